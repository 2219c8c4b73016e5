import Database from 'better-sqlite3'
import { openMonitor } from './look.ts'
import type { Monitor } from './look.ts'

/** What a peer can be asked to do: a statement, whose first value is the answer, or one look at the database. */
export type PeerRequest = { readonly sql: string } | { readonly look: Monitor }

export type PeerReply = { readonly value: unknown } | { readonly errorCode: string }

// Another program with a connection to the database: the program of peer-process.ts.
const path = process.argv[2]!
const database = new Database(path, { timeout: 0 })
database.pragma('wal_autocheckpoint = 0')

function answer(request: PeerRequest): PeerReply {
  try {
    if ('look' in request) {
      openMonitor(request.look, path)()
      return { value: null }
    }
    const statement = database.prepare(request.sql)
    return { value: statement.reader ? statement.pluck().get() : statement.run().changes }
  } catch (error) {
    return { errorCode: String((error as { readonly code?: unknown }).code ?? error) }
  }
}

process.on('message', (request: PeerRequest) => void process.send!(answer(request)))
process.on('disconnect', () => database.close())
