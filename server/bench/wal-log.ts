import type { Commits } from './wal-commits.ts'

const EVERY_MS = 100
const MEGABYTE = 1e6

/**
 * The length of the log while a sample is taken, from what the engine has seen of it by itself: looking once more
 * would make the commits that are measured wait.
 */
export class LogLength {
  largestBytes = 0
  readonly #commits: Commits
  readonly #resetsBefore: number
  readonly #timer: NodeJS.Timeout

  constructor(commits: Commits) {
    this.#commits = commits
    this.#resetsBefore = commits.stats.wal.resets
    this.#timer = setInterval(() => this.#note(), EVERY_MS)
  }

  get largestMb(): number {
    return this.largestBytes / MEGABYTE
  }

  /** Times that the log started over since. */
  get resets(): number {
    return this.#commits.stats.wal.resets - this.#resetsBefore
  }

  /** Looks once more, now that nothing is measured. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#commits.wal.getWALInfo()
    this.#note()
  }

  #note(): void {
    this.largestBytes = Math.max(this.largestBytes, this.#commits.stats.wal.sizeBytes ?? 0)
  }
}
