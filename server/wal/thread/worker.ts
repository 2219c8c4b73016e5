/**
 * The checkpoint thread: one read-write connection that does nothing but checkpoints.
 *
 * `synchronous` is NORMAL: OFF would skip the fsync of the log that makes copying safe. Opening may
 * have to wait for another process's recovery, so the busy timeout is long then; afterwards it is 0 and
 * raised only around a blocking mode, to the budget of the request.
 */
import { parentPort, workerData } from 'node:worker_threads'
import Database from 'better-sqlite3'
import type {
  LogPosition,
  PassResult,
  ThreadFailure,
  ThreadReply,
  ThreadRequest,
  WorkerOptions,
} from './wire.ts'
import type { CheckpointMode } from '../../../telemetry/stats.ts'

const OPEN_TIMEOUT_MS = 5000

type Row = readonly [busy: 0 | 1, log: number, checkpointed: number]

const port = parentPort!
const database = open()
if (database !== null) serve(database)

function open(): Database.Database | null {
  try {
    const { path } = workerData as WorkerOptions
    const opened = new Database(path, { fileMustExist: true, timeout: OPEN_TIMEOUT_MS })
    opened.pragma('wal_autocheckpoint = 0')
    opened.pragma('synchronous = NORMAL')
    // The first read is what recovers a log that a killed process left behind.
    opened.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get()
    opened.pragma('busy_timeout = 0')
    const journalMode = String(opened.pragma('main.journal_mode', { simple: true }))
    const sqliteVersion = String(opened.prepare('SELECT sqlite_version()').pluck().get())
    reply({ type: 'opened', report: { journalMode, sqliteVersion } })
    return opened
  } catch (error) {
    reply(failure(error))
    return null
  }
}

function serve(db: Database.Database): void {
  const pragmas = {
    NOOP: prepare(db, 'NOOP'),
    PASSIVE: prepare(db, 'PASSIVE'),
    FULL: prepare(db, 'FULL'),
    RESTART: prepare(db, 'RESTART'),
    TRUNCATE: prepare(db, 'TRUNCATE'),
  }

  port.on('message', (request: ThreadRequest) => {
    if (request.type === 'close') {
      db.close()
      port.close()
      return
    }
    try {
      reply({ type: 'passed', result: pass(request.mode, request.budgetMs) })
    } catch (error) {
      reply(failure(error))
    }
  })

  function pass(mode: CheckpointMode, budgetMs: number): PassResult {
    const before = position(pragmas.NOOP.get() as Row)
    const isPatient = mode !== 'PASSIVE' && budgetMs > 0
    if (isPatient) db.pragma(`busy_timeout = ${Math.round(budgetMs)}`)
    const startedMs = performance.now()
    let row: Row
    let durationMs: number
    try {
      row = pragmas[mode].get() as Row
    } finally {
      durationMs = performance.now() - startedMs
      if (isPatient) db.pragma('busy_timeout = 0')
    }
    const [busy, log, checkpointed] = row
    const isKnown = log >= 0
    return {
      busy,
      log: isKnown ? log : null,
      checkpointed: isKnown ? checkpointed : null,
      movedFrames: isKnown ? movedFrames(before, row) : 0,
      before: before ?? { frames: 0, backfilledFrames: 0 },
      isWriterBusy: busy === 1 && isKnown && isWriteLocked(db),
      startedAtMs: performance.timeOrigin + startedMs,
      durationMs,
    }
  }
}

function prepare(db: Database.Database, mode: CheckpointMode | 'NOOP'): Database.Statement {
  // Without a schema name SQLite checkpoints attached databases too and reports only the first.
  return db.prepare(`PRAGMA main.wal_checkpoint(${mode})`).raw()
}

function position([, log, checkpointed]: Row): LogPosition | null {
  return log < 0 ? null : { frames: log, backfilledFrames: checkpointed }
}

function movedFrames(before: LogPosition | null, [, log, checkpointed]: Row): number {
  if (before === null) return 0
  // TRUNCATE leaves an empty log and says 0, 0: everything that was pending has moved.
  if (log === 0) return before.frames - before.backfilledFrames
  const isSameLog = checkpointed >= before.backfilledFrames
  return isSameLog ? checkpointed - before.backfilledFrames : checkpointed
}

function isWriteLocked(db: Database.Database): boolean {
  try {
    db.exec('BEGIN IMMEDIATE')
  } catch {
    return true
  }
  db.exec('ROLLBACK')
  return false
}

function failure(error: unknown): ThreadFailure {
  const code = (error as { readonly code?: unknown }).code
  return {
    type: 'failure',
    code: typeof code === 'string' ? code : 'SQLITE_ERROR',
    message: error instanceof Error ? error.message : String(error),
  }
}

function reply(message: ThreadReply): void {
  port.postMessage(message)
}
