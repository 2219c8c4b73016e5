import { DatabaseSync } from 'node:sqlite'

/** What the database must contain in the end, as its writers were told. */
export class Ledger {
  /** A success was reported. */
  readonly present = new Set<number>()
  /** A failure was reported after which nothing may remain. */
  readonly absent = new Set<number>()
  /** It may or may not be there. */
  unknownCount = 0
  #last = 0

  /** A value that no one else writes. */
  next(): number {
    this.#last += 1
    return this.#last
  }

  wrote(tokens: readonly number[]): void {
    for (const token of tokens) this.present.add(token)
  }

  undid(tokens: readonly number[]): void {
    for (const token of tokens) this.absent.add(token)
  }

  /** By what the error says. */
  failed(tokens: readonly number[], error: unknown): void {
    const { outcome, name } = error as { readonly outcome?: unknown; readonly name?: unknown }
    // The reason of a signal by itself: it was aborted before anything was sent, or before COMMIT.
    const isUndone = name === 'AbortError' || outcome === 'not_started' || outcome === 'rolled_back'
    if (isUndone) this.undid(tokens)
    else this.unknownCount += tokens.length
  }

  create(path: string): void {
    const database = new DatabaseSync(path)
    database.exec('CREATE TABLE entry (token INTEGER PRIMARY KEY, note TEXT)')
    database.close()
  }

  /** Where the file and what was told disagree; empty when all is well. Read with another driver than the pool's. */
  disagreements(path: string): string[] {
    const database = new DatabaseSync(path)
    try {
      const rows = database.prepare('SELECT token FROM entry').all()
      const stored = new Set(rows.map((row) => Number(row['token'])))
      const integrity = database.prepare('PRAGMA integrity_check').all()
      const lost = [...this.present].filter((token) => !stored.has(token))
      const ghosts = [...this.absent].filter((token) => stored.has(token))
      const said = integrity.map((row) => String(row['integrity_check'])).join()
      return [
        ...(lost.length === 0 ? [] : [`acknowledged and not there: ${lost.join()}`]),
        ...(ghosts.length === 0 ? [] : [`undone and there: ${ghosts.join()}`]),
        ...(said === 'ok' ? [] : [`integrity_check: ${said}`]),
      ]
    } finally {
      database.close()
    }
  }
}
