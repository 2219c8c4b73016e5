import type { Timer } from './clock.ts'
import type { Stop } from './calls.ts'
import { Cancellation, StatementStopped } from './cancellation.ts'
import type { StatementCall } from './connection.ts'
import { type Outcome, PoolError } from './errors.ts'
import type { Hold } from './hold.ts'

/** How long a stopped write may take to say what became of it. */
export const STOP_GRACE_MS = 250

/** What its caller is told, once it is known (or given up) what became of the statement. */
type Reason = (outcome: Outcome) => unknown

/**
 * A call that a signal, the statement timeout or a revocation can end. A reader's caller is told at once; a
 * writer's waits up to `STOP_GRACE_MS` for the outcome. What SQLite still runs then is nobody's any more.
 */
export function callStoppable<T>(
  hold: Hold,
  { call, signal }: { readonly call: StatementCall; readonly signal: AbortSignal | undefined },
  send: (call: StatementCall) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const stoppable = new StoppableCall(hold, signal, reject)
    send({ ...call, cancellation: stoppable.cancellation }).then(
      (result) => stoppable.answered(() => resolve(result)),
      (error: unknown) => stoppable.failed(error),
    )
  })
}

/** It is its own listener: with a function for each thing that can end it, most calls would make four in vain. */
class StoppableCall implements Stop, EventListenerObject {
  readonly cancellation = new Cancellation()
  readonly #hold: Hold
  readonly #reject: (error: unknown) => void
  /** Of this call alone. */
  readonly #signal: AbortSignal | undefined
  #timer: Timer | undefined
  #isSettled = false
  #reason: Reason | undefined

  constructor(hold: Hold, signal: AbortSignal | undefined, reject: (error: unknown) => void) {
    this.#hold = hold
    this.#reject = reject
    hold.sent()
    this.#signal = signal
    hold.calls!.stops.add(this)
    // The same signal twice is one listener.
    signal?.addEventListener('abort', this)
    hold.request.signal?.addEventListener('abort', this)
    if (hold.host.limits.statementTimeoutMs > 0) this.#limit()
  }

  answered(resolve: () => void): void {
    this.#hold.answered()
    if (this.#isStranded()) return
    this.#settle()
    resolve()
  }

  failed(error: unknown): void {
    this.#hold.answered()
    if (this.#isStranded()) return
    this.#settle()
    const wasStopped = this.#reason !== undefined && error instanceof StatementStopped
    this.#reject(wasStopped ? this.#reason!(error.outcome) : error)
  }

  /** A signal was aborted. */
  handleEvent({ target }: Event): void {
    const { reason } = target as AbortSignal
    this.#stop((outcome) =>
      this.#hold.slot.role === 'reader' ? reason : cancelled(reason, outcome),
    )
  }

  revoked(reason: PoolError): void {
    this.#reason = () => reason
    this.cancellation.cancel()
    this.#giveUp()
  }

  #limit(): void {
    const { statementTimeoutMs } = this.#hold.host.limits
    this.#after(statementTimeoutMs, () =>
      this.#stop((outcome) => timedOut(statementTimeoutMs, outcome)),
    )
  }

  #stop(reason: Reason): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    this.cancellation.cancel()
    if (this.#hold.slot.role === 'reader') this.#giveUp()
    else this.#after(STOP_GRACE_MS, () => this.#giveUp())
  }

  /** Whether its caller was told the end before; then it is no longer. */
  #isStranded(): boolean {
    if (this.#isSettled) this.#hold.calls!.strandedCount -= 1
    return this.#isSettled
  }

  /** Tells the caller without an answer of the connection. */
  #giveUp(): void {
    this.#settle()
    this.#hold.calls!.strandedCount += 1
    const { transaction, slot } = this.#hold
    // The scope that it is in never commits any more, so nothing of it remains whatever it does.
    const error = this.#reason!(
      transaction !== null || slot.role === 'reader' ? 'rolled_back' : 'unknown',
    )
    if (transaction !== null) transaction.doom ??= ended(error)
    this.#reject(error)
  }

  #settle(): void {
    this.#isSettled = true
    const { calls, request } = this.#hold
    calls!.stops.delete(this)
    this.#signal?.removeEventListener('abort', this)
    request.signal?.removeEventListener('abort', this)
    this.#clear()
    calls!.settled()
  }

  /** One timer at a time: once it is stopped its own limit means nothing any more. */
  #after(delayMs: number, callback: () => void): void {
    this.#clear()
    this.#timer = this.#hold.host.clock.setTimer(callback, delayMs, { isVital: true })
  }

  #clear(): void {
    if (this.#timer !== undefined) this.#hold.host.clock.clearTimer(this.#timer)
  }
}

function timedOut(limitMs: number, outcome: Outcome): PoolError {
  return new PoolError('STATEMENT_TIMEOUT', `the statement took longer than ${limitMs} ms`, {
    hint: 'make it shorter, page through the result, or raise statementTimeoutMs',
    outcome,
  })
}

function cancelled(cause: unknown, outcome: Outcome): PoolError {
  const what = {
    not_started: 'before it began',
    rolled_back: 'and nothing of it remains',
    unknown: 'and whether it happened is unknown',
  }[outcome]
  return new PoolError('STATEMENT_CANCELLED', `the statement was cancelled, ${what}`, {
    hint: 'the cause is the reason of the signal',
    cause,
    outcome,
  })
}

function ended(cause: unknown): PoolError {
  return new PoolError('TRANSACTION_ENDED', 'a statement of this transaction was stopped', {
    hint: 'let the error of the statement out of the function: everything is rolled back',
    cause,
    outcome: 'rolled_back',
  })
}
