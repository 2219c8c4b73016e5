// One statement, several statements, a transaction.
import { createPool } from '../../server/index.ts'

const pool = await createPool({ path: 'app.sqlite', size: 5 })
await pool.run(
  'CREATE TABLE IF NOT EXISTS note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT',
)
await pool.run('DELETE FROM note')

// One statement: the nearest free reader, or the writer.
await pool.run('INSERT INTO note (text) VALUES (?)', ['hello'])
const notes = await pool.all('SELECT * FROM note')
console.log('all:', notes)

// Several statements on one connection. The code of better-sqlite3, awaited.
const note = await pool.withConnection(async (db) =>
  db.prepare('SELECT * FROM note WHERE id = ?').get(1),
)
console.log('one:', note)

// A transaction: BEGIN IMMEDIATE, COMMIT, or ROLLBACK when the function throws.
await pool.transaction(async (db) => {
  await db.prepare('UPDATE note SET text = ? WHERE id = ?').run('hello again', 1)
})
console.log('changed:', await pool.get('SELECT text FROM note WHERE id = ?', [1]))

await pool.close()

// Prints:
// all: [ { id: 1, text: 'hello' } ]
// one: { id: 1, text: 'hello' }
// changed: { text: 'hello again' }
