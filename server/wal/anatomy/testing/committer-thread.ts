import { workerData } from 'node:worker_threads'
import Database from 'better-sqlite3'

export interface CommitterThreadOptions {
  readonly path: string
  /** Whose rows these are. */
  readonly owner: number
  /** Int32: commits that were acknowledged, and whether to stop. */
  readonly shared: SharedArrayBuffer
}

// Commits as fast as it can: a new row with a known id, and one more of its rows changed.
const { path, owner, shared } = workerData as CommitterThreadOptions
const state = new Int32Array(shared)
const database = new Database(path, { timeout: 30_000 })
database.pragma('synchronous = NORMAL')
const begin = database.prepare('BEGIN IMMEDIATE')
const insert = database.prepare('INSERT INTO entry VALUES (?, ?, 0, randomblob(60))')
const update = database.prepare('UPDATE entry SET changes = changes + 1 WHERE owner = ? AND id = ?')
const commit = database.prepare('COMMIT')

for (let id = 1; Atomics.load(state, 1) === 0; id += 1) {
  begin.run()
  insert.run(owner, id)
  // Somewhere among the older ones, so that pages all over the file change.
  update.run(owner, 1 + (((id * 7919) % 10_007) % id))
  commit.run()
  Atomics.store(state, 0, id)
}
database.close()
