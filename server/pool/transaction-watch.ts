import type { Clock, Timer } from './clock.ts'
import { PoolError } from './errors.ts'
import type { Hold } from './hold.ts'

const HINTS = {
  TRANSACTION_TIMEOUT: 'split it, or raise transactionTimeoutMs',
  TRANSACTION_IDLE: 'await nothing but statements inside a transaction',
  SNAPSHOT_EXPIRED: 'take a new snapshot, or give it a longer maxAgeMs',
} as const

/** How long a transaction may take as a whole, and how long with no statement running; 0: no limit. */
export interface TransactionLimits {
  readonly wholeMs: number
  readonly pauseMs: number
  /** What its holder is told when the whole takes too long. */
  readonly code: 'TRANSACTION_TIMEOUT' | 'SNAPSHOT_EXPIRED'
}

/** Holds one transaction to its limits. Whoever passes one loses the lease, and everything is rolled back. */
export class TransactionWatch {
  readonly #hold: Hold
  readonly #limits: TransactionLimits
  readonly #clock: Clock
  #whole: Timer | undefined
  #pause: Timer | undefined
  /** The answer to COMMIT begins no pause. */
  #isStopped = false

  constructor(hold: Hold, limits: TransactionLimits) {
    this.#hold = hold
    this.#limits = limits
    this.#clock = hold.host.clock
    const { wholeMs, code } = limits
    if (wholeMs > 0) {
      this.#whole = this.#clock.setTimer(() => {
        this.#revoke(code, `the transaction took longer than ${wholeMs} ms`)
      }, wholeMs)
    }
    this.paused()
  }

  /** `undefined` when there is nothing to watch. */
  static start(hold: Hold, limits: TransactionLimits): TransactionWatch | undefined {
    return limits.wholeMs > 0 || limits.pauseMs > 0 ? new TransactionWatch(hold, limits) : undefined
  }

  /** A statement begins. */
  resumed(): void {
    if (this.#pause !== undefined) this.#clock.clearTimer(this.#pause)
    this.#pause = undefined
  }

  /** No statement runs any more. */
  paused(): void {
    const { pauseMs } = this.#limits
    if (this.#isStopped || pauseMs === 0) return
    this.#pause = this.#clock.setTimer(() => {
      this.#revoke('TRANSACTION_IDLE', `no statement of the transaction ran for ${pauseMs} ms`)
    }, pauseMs)
  }

  /** Before COMMIT is sent: from then on nobody can say that it was rolled back. */
  stop(): void {
    this.#isStopped = true
    this.resumed()
    if (this.#whole !== undefined) this.#clock.clearTimer(this.#whole)
    this.#whole = undefined
  }

  #revoke(code: keyof typeof HINTS, message: string): void {
    this.stop()
    const { host } = this.#hold
    host.revoke(
      this.#hold,
      new PoolError(code, message, {
        hint: HINTS[code],
        holders: [this.#hold.toHolder(host.clock.nowMs())],
        outcome: 'rolled_back',
      }),
    )
  }
}
