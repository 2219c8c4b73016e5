import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Cleanup {
  after(fn: () => void): void
}

/** A fresh directory, removed when the test is over. */
export function tempDir(t: Cleanup): string {
  const directory = mkdtempSync(join(tmpdir(), 'glasspool-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** The path of a database that does not exist yet, in a fresh directory. */
export function tempDatabase(t: Cleanup): string {
  return join(tempDir(t), 'database.sqlite')
}
