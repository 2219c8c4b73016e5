import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import type { CommitterOptions, CommitterReport } from './committer.ts'
import type { Monitor } from './look.ts'

interface Cleanup {
  after(fn: () => void | Promise<void>): void
}

export interface LockSafetyOptions {
  readonly path: string
  /** What the first of the two processes does every 5 ms. */
  readonly monitor: Monitor
  /** Both processes are told to stop when this is true. */
  readonly isEnough: (reports: readonly CommitterReport[]) => boolean
  /** After so long they are killed, and what they have acknowledged counts. */
  readonly killAfterMs: number
}

export interface LockSafetyResult {
  /** They did not stop when they were told. */
  readonly isTimedOut: boolean
  /** As they were told last. */
  readonly reports: readonly CommitterReport[]
  /** All that is wrong; empty when all is well. */
  readonly damage: readonly string[]
}

interface Committer {
  readonly child: ChildProcess
  report: CommitterReport
  stderr: string
}

/**
 * Two processes insert into and update one table of one database, each with a thread of its own, while one of them
 * looks at the database. When both have ended, the file is opened and compared with what they were told.
 */
export async function runLockSafety(
  t: Cleanup,
  { path, monitor, isEnough, killAfterMs }: LockSafetyOptions,
): Promise<LockSafetyResult> {
  create(path)
  const committers = [
    start(t, { path, owner: 1, monitor }),
    start(t, { path, owner: 2, monitor: null }),
  ]
  let isStopping = false
  const stop = (): void => {
    if (isStopping) return
    isStopping = true
    // One that has crashed is no longer there to hear it.
    for (const { child } of committers) if (child.connected) child.send('stop', () => undefined)
  }
  for (const committer of committers) {
    committer.child.on('message', (report) => {
      committer.report = report as CommitterReport
      if (isEnough(committers.map((each) => each.report))) stop()
    })
    // The one that is left has nobody to do damage with.
    committer.child.once('exit', stop)
  }
  let isTimedOut = false
  const timer = setTimeout(() => {
    isTimedOut = true
    for (const { child } of committers) child.kill('SIGKILL')
  }, killAfterMs)
  t.after(() => clearTimeout(timer))
  const exits = await Promise.all(committers.map(ended))
  clearTimeout(timer)
  const reports = committers.map(({ report }) => report)
  const crashes = exits.flat()
  return { reports, isTimedOut, damage: [...crashes, ...findDamage(path, reports)] }
}

function create(path: string): void {
  const database = new Database(path)
  database.pragma('journal_mode = WAL')
  database.exec(`
    CREATE TABLE entry (owner INTEGER, id INTEGER, changes INTEGER, body BLOB, PRIMARY KEY (owner, id)) WITHOUT ROWID;
    CREATE INDEX entry_by_body ON entry (body);
  `)
  database.close()
}

function start(t: Cleanup, options: CommitterOptions): Committer {
  const child = fork(join(import.meta.dirname, 'committer.ts'), [JSON.stringify(options)], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const committer: Committer = {
    child,
    report: { commits: 0, looks: 0, foreignWriters: 0 },
    stderr: '',
  }
  child.stderr!.on('data', (chunk: Buffer) => void (committer.stderr += chunk.toString()))
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  return committer
}

/** How it ended, when it did not end as it should. */
async function ended(committer: Committer): Promise<string[]> {
  const [code, signal] = (await once(committer.child, 'close')) as [number | null, string | null]
  // Killed by us: that is no damage.
  if (code === 0 || signal === 'SIGKILL') return []
  const reason = /^\w*Error\b.*$/m.exec(committer.stderr)?.[0] ?? ''
  return [`a process ended with ${String(signal ?? code)} ${reason}`.trim()]
}

/** Where the file and what was acknowledged disagree. */
function findDamage(path: string, reports: readonly CommitterReport[]): string[] {
  const database = new Database(path)
  try {
    const found: string[] = []
    const integrity = String(database.pragma('integrity_check(2)', { simple: true }))
    if (integrity !== 'ok') found.push(`integrity_check: ${integrity.replaceAll('\n', ', ')}`)
    const rows = database.prepare(
      'SELECT count(*) AS rows, sum(changes) AS changes FROM entry WHERE owner = ? AND id <= ?',
    )
    for (const [i, { commits }] of reports.entries()) {
      if (commits === 0) continue
      const stored = rows.get(i + 1, commits) as { readonly rows: number; readonly changes: number }
      const { rows: count, changes } = stored
      if (count !== commits || changes < commits)
        found.push(`${commits} commits have left ${count} rows with ${changes} changes`)
    }
    return found
  } catch (error) {
    return [`cannot be read: ${(error as Error).message}`]
  } finally {
    database.close()
  }
}
