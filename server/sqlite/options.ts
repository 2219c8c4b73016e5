/** Loss of power after an answered COMMIT: `full` keeps it, `normal` may lose the tail of the log; neither corrupts. */
export type Durability = 'normal' | 'full'

/** How one connection is opened. The pool resolves the defaults, so that every field is given here. */
export interface SqliteOptions {
  /**
   * A file. Blank is refused. `:memory:` is for a single writer, which then is the whole database; a reader would
   * have one of its own and is refused. There is no log in memory, and a reset undoes less: see `resetInMemory`.
   */
  readonly path: string
  readonly durability: Durability
  /** How long SQLite sleeps on another process's lock before SQLITE_BUSY. 0 = not at all. */
  readonly busyTimeoutMs: number
  /** Prepared statements kept, by SQL text, the least recently used given up first. 0 = none. */
  readonly statementCacheSize: number
  /** Memory for pages of this connection alone. */
  readonly cacheSizeBytes: number
  /** Frames at which SQLite checkpoints by itself, inside the writer's commit. *Default*: 0, never. */
  readonly autocheckpointFrames?: number
}

/** The driver trims the path too. */
export function isInMemory(options: SqliteOptions): boolean {
  return options.path.trim() === ':memory:'
}
