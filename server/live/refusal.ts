/** A request that the stream or the history does not serve. The HTTP server turns the code into its answer. */
export class LiveRefusal extends Error {
  override readonly name = 'LiveRefusal'
  readonly code: keyof typeof statusCodes
  readonly statusCode: number

  constructor(code: keyof typeof statusCodes, message: string) {
    super(message)
    this.code = code
    this.statusCode = statusCodes[code]
  }
}

const statusCodes = {
  VALIDATION: 400,
  NOT_FOUND: 404,
  OVERLOADED: 503,
  POOL_DRAINING: 503,
} as const
