/** Savepoints are a stack, so the transactions begun side by side in one place run one after the other. */
export class Nesting {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => undefined)
    return turn
  }

  /** Resolves when those begun so far have ended. */
  async settled(): Promise<void> {
    await this.#last
  }
}
