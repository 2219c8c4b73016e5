// What is done today to get rid of a long log: a TRUNCATE on a connection of one's own, in a worker thread so
// that it does not stop the event loop. 5 s is what better-sqlite3 waits for locks unless told otherwise.
import { parentPort, workerData } from 'node:worker_threads'
import Database from 'better-sqlite3'

const port = parentPort!
const db = new Database(workerData as string, { timeout: 5000 })
// Each end of its own transactions would checkpoint too; it has none, but the reader of this file need not know.
db.pragma('wal_autocheckpoint = 0')
port.on('message', () => {
  const [row] = db.pragma('wal_checkpoint(TRUNCATE)') as [{ busy: number }]
  db.close()
  port.postMessage(row.busy)
  port.close()
})
port.postMessage('ready')
