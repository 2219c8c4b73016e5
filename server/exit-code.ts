/** What this process ends with; `docs/operations.md` has the table. The numbers above 63 are those of sysexits.h. */
export const EXIT = {
  clean: 0,
  /** Something that nobody expected. */
  fatal: 1,
  /** The database cannot be used. */
  databaseUnusable: 69,
  /** The port or the address cannot be used. */
  addressUnusable: 75,
  /** The settings are wrong. */
  badConfiguration: 78,
} as const

/** A start that cannot succeed: one sentence for the terminal, and what to exit with. */
export class StartError extends Error {
  override readonly name = 'StartError'
  readonly exitCode: number

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}
