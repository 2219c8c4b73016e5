/** Whether a call that was ended early had begun, and what became of its changes. */
export type StoppedOutcome = 'not_started' | 'rolled_back'

/** A connection's answer to a call that was cancelled and did not run to its end. */
export class StatementStopped extends Error {
  override readonly name = 'StatementStopped'
  readonly code = 'STATEMENT_STOPPED'
  readonly outcome: StoppedOutcome

  constructor(outcome: StoppedOutcome) {
    super('the statement was stopped before its end')
    this.outcome = outcome
  }
}

/** Ends one call early, if the connection can. Made by whoever asks, one for each call. */
export class Cancellation {
  #isCancelled = false
  #stop: (() => void) | undefined

  get isCancelled(): boolean {
    return this.#isCancelled
  }

  /** By the connection when it has taken the call; `stop` is called at most once, at once when it is too late. */
  onCancel(stop: () => void): void {
    if (this.#isCancelled) stop()
    else this.#stop = stop
  }

  /** By the connection when it has answered: there is nothing left to stop. */
  settled(): void {
    this.#stop = undefined
  }

  cancel(): void {
    if (this.#isCancelled) return
    this.#isCancelled = true
    this.#stop?.()
    this.#stop = undefined
  }
}
