import type { Timer } from './clock.ts'
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

class StoppableCall {
  readonly cancellation = new Cancellation()
  readonly #hold: Hold
  readonly #signals: AbortSignal[] = []
  readonly #reject: (error: unknown) => void
  readonly #timers: Timer[] = []
  #isSettled = false
  #reason: Reason | undefined

  constructor(hold: Hold, signal: AbortSignal | undefined, reject: (error: unknown) => void) {
    this.#hold = hold
    this.#reject = reject
    hold.sent()
    hold.calls!.stops.add(this.#onRevoked)
    for (const one of new Set([signal, hold.request.signal])) {
      if (one === undefined) continue
      one.addEventListener('abort', this.#onAbort)
      this.#signals.push(one)
    }
    const { statementTimeoutMs } = hold.host.limits
    if (statementTimeoutMs > 0) this.#after(statementTimeoutMs, () => this.#stop(this.#timedOut))
  }

  answered(resolve: () => void): void {
    this.#hold.answered()
    if (this.#isSettled) return
    this.#settle()
    resolve()
  }

  failed(error: unknown): void {
    this.#hold.answered()
    if (this.#isSettled) return
    this.#settle()
    const wasStopped = this.#reason !== undefined && error instanceof StatementStopped
    this.#reject(wasStopped ? this.#reason!(error.outcome) : error)
  }

  readonly #onAbort = (event: Event): void => {
    const { reason } = event.target as AbortSignal
    this.#stop((outcome) =>
      this.#hold.slot.role === 'reader' ? reason : cancelled(reason, outcome),
    )
  }

  readonly #onRevoked = (reason: PoolError): void => {
    this.#reason = () => reason
    this.cancellation.cancel()
    this.#giveUp()
  }

  readonly #timedOut = (outcome: Outcome): PoolError =>
    new PoolError(
      'STATEMENT_TIMEOUT',
      `the statement took longer than ${this.#hold.host.limits.statementTimeoutMs} ms`,
      { hint: 'make it shorter, page through the result, or raise statementTimeoutMs', outcome },
    )

  #stop(reason: Reason): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    this.cancellation.cancel()
    if (this.#hold.slot.role === 'reader') this.#giveUp()
    else this.#after(STOP_GRACE_MS, () => this.#giveUp())
  }

  /** Tells the caller without an answer of the connection. */
  #giveUp(): void {
    this.#settle()
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
    this.#hold.calls!.stops.delete(this.#onRevoked)
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#onAbort)
    for (const timer of this.#timers) this.#hold.host.clock.clearTimer(timer)
    this.#hold.calls!.settled()
  }

  #after(delayMs: number, callback: () => void): void {
    this.#timers.push(this.#hold.host.clock.setTimer(callback, delayMs, { isVital: true }))
  }
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
