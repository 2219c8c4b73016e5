/** Another process on the same file: it does each thing that it is told to, and says how that went. */
import Database from 'better-sqlite3'
import { order, tell, wishes } from './tell.ts'

export type OutsiderWish = 'read' | 'lock' | 'write' | 'begin' | 'close'

const database = new Database(order<string>(), { fileMustExist: true, timeout: 0 })

const acts: Readonly<Record<OutsiderWish, () => void>> = {
  read: () => void database.prepare('SELECT count(*) FROM entry').get(),
  /** Takes the write lock and gives it back. */
  lock: () => void database.exec('BEGIN IMMEDIATE; ROLLBACK'),
  write: () => void database.prepare('INSERT INTO entry VALUES (7)').run(),
  /** A transaction that does not end. */
  begin: () => void database.exec('BEGIN IMMEDIATE; INSERT INTO entry VALUES (8)'),
  close: () => void database.close(),
}

for await (const wish of wishes<OutsiderWish>()) {
  try {
    acts[wish]()
    tell('did ok')
  } catch (error) {
    tell(`did ${String((error as { readonly code?: unknown }).code)}`)
  }
}
