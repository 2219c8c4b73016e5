import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import Database from 'better-sqlite3'
import { WALAnatomy } from '../anatomy.ts'
import type { AnatomyReading } from '../anatomy.ts'

/**
 * - `safe`: all that our probe does, on a connection of its own, and what reads ahead of the writer does to the log.
 * - `reads-shm`: the same numbers in the way that looks harmless. **It destroys databases**: only in a child process.
 */
export type Monitor = 'safe' | 'reads-shm'

/** Looks at a database as this monitor does. */
export function openMonitor(monitor: Monitor, path: string): () => AnatomyReading | null {
  if (monitor === 'reads-shm') {
    return () => {
      // At the very beginning there is none yet.
      if (existsSync(`${path}-shm`)) readFileSync(`${path}-shm`)
      return null
    }
  }
  // Both live as long as the process, which is a child of a test.
  const database = new Database(path, { readonly: true, timeout: 0 })
  const noop = database.prepare('PRAGMA main.wal_checkpoint(NOOP)').raw()
  const anatomy = new WALAnatomy(path)
  const part = Buffer.alloc(64 * 1024)
  return () => {
    noop.get()
    for (const suffix of ['', '-wal', '-shm']) statSync(path + suffix, { throwIfNoEntry: false })
    if (existsSync(`${path}-wal`)) readPart(`${path}-wal`, part)
    return anatomy.read()
  }
}

function readPart(path: string, part: Buffer): void {
  const descriptor = openSync(path, 'r')
  readSync(descriptor, part)
  closeSync(descriptor)
}
