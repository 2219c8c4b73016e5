/** A minute of looks. */
const MAX_ENTRIES = 240

/** How long the log was at which time, as far back as it is remembered and since it started over. */
export class FrameHistory {
  #entries: { readonly atMs: number; readonly frames: number }[] = []
  /** Entries of this log were forgotten. */
  #isCut = false

  /** Hears one look. Epoch ms. */
  note(frames: number, atMs: number): void {
    const last = this.#entries.at(-1)
    if (last !== undefined && frames < last.frames) {
      this.#entries = []
      this.#isCut = true
    }
    this.#entries.push({ atMs, frames })
    if (this.#entries.length <= MAX_ENTRIES) return
    this.#entries.shift()
    this.#isCut = true
  }

  /** At most so many frames had been committed then; 0 for what is forgotten, infinite for what comes after the last look. */
  framesBy(atMs: number): number {
    if (this.#isCut && atMs < this.#entries[0]!.atMs) return 0
    return this.#entries.find((entry) => entry.atMs >= atMs)?.frames ?? Number.POSITIVE_INFINITY
  }
}
