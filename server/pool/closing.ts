import type { Clock } from './clock.ts'
import { PoolError } from './errors.ts'
import type { Lane } from './lane.ts'
import { isDoneWithin } from './time-limit.ts'

/** What closing may take after its deadline: statements that nothing can interrupt, and a last checkpoint of up to 1 s. */
export const CLOSE_GRACE_MS = 3000
export const CLOSE_TIMEOUT_MS = 5000

export interface CloseOptions {
  /** How long leases may still come back. *Unit*: ms. *Default*: 5,000. *0*: not at all. `Infinity`: no limit. */
  readonly timeoutMs?: number
  /** Whether those who wait already are still served; else they are refused at once. *Default*: `true`. */
  readonly drainWaiters?: boolean
}

/** What else lives with the connections, in the order in which it must happen. */
export interface PoolHooks {
  /** The writer is open: the file exists and is in its journal mode. */
  writerOpened?(): Promise<void>
  /** The pool begins to close: those who wait are served from now on, or refused. Never throws. */
  draining?(): void
  /** The readers are closed, the writer is idle and still open. Never rejects. */
  readersClosed?(): Promise<void>
  /** Everything of the pool is closed. Never rejects. */
  closed?(): Promise<void>
}

interface ClosingParts {
  readonly reader: Lane
  readonly writer: Lane
  readonly clock: Clock
  readonly hooks: PoolHooks
  /** What is being opened must be there before it can be closed. */
  readonly opening: Promise<void> | undefined
  /** The file is no longer the one that was opened: nothing may be written to it. */
  readonly hasFailed: boolean
}

/**
 * The way down: serve or refuse those who wait, wait for the leases, take away what is left, and close the
 * readers, the log, the writer. Every promise is settled at its end.
 *
 * @throws {POOL_CLOSE_TIMEOUT} something inside SQLite did not end; it is closed when it does
 */
export async function closePool(
  parts: ClosingParts,
  options: Required<CloseOptions>,
): Promise<void> {
  const { clock } = parts
  const lanes = [parts.reader, parts.writer]
  if (!options.drainWaiters) for (const lane of lanes) lane.refuseWaiters()
  await isDoneWithin(clock, options.timeoutMs, Promise.all(lanes.map((lane) => lane.drained())))
  const reason = new PoolError('POOL_CLOSED', 'the pool was closed while this lease was out', {
    hint: 'release every lease before close(), or give close() more time',
  })
  for (const lane of lanes) {
    lane.refuseWaiters()
    lane.shut(reason)
  }
  if (await isDoneWithin(clock, CLOSE_GRACE_MS, closeInOrder(parts))) return
  throw new PoolError('POOL_CLOSE_TIMEOUT', 'a statement or an opening did not end in time', {
    hint: 'SQLite cannot be interrupted: end the process, or wait for the statement',
  })
}

async function closeInOrder({
  reader,
  writer,
  hooks,
  opening,
  hasFailed,
}: ClosingParts): Promise<void> {
  await opening?.catch(() => undefined)
  await reader.closeConnections()
  if (!hasFailed) await hooks.readersClosed?.()
  await writer.closeConnections()
  await hooks.closed?.()
}
