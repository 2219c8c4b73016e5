import type { DiagLogger } from '@opentelemetry/api'

/** Where the SDK's troubles are told: the part of a pino logger that is needed. */
export interface TelemetryLog {
  info(message: string): void
  warn(details: object, message: string): void
}

/** A dead collector is told of once in this time, not at every export. */
export const QUIET_MS = 60_000

/**
 * What the SDK says about itself, for the server's log. Errors and warnings come at most once a minute, each with
 * the number of those left out; while the SDK starts, all of them come: they are about the configuration.
 */
export class SdkDiagnostics implements DiagLogger {
  readonly #log: TelemetryLog
  readonly #nowMs: () => number
  #isStarting = true
  #lastToldMs = Number.NEGATIVE_INFINITY
  #leftOutCount = 0

  constructor(log: TelemetryLog, nowMs: () => number = () => performance.now()) {
    this.#log = log
    this.#nowMs = nowMs
  }

  /** From now on troubles are about exports. */
  started(): void {
    this.#isStarting = false
  }

  error(message: string): void {
    this.#tell('error', message)
  }

  warn(message: string): void {
    this.#tell('warn', message)
  }

  /** The levels below come only when OTEL_LOG_LEVEL asks for them. */
  info(message: string): void {
    this.#log.info(`OpenTelemetry: ${message}`)
  }

  debug(message: string): void {
    this.#log.info(`OpenTelemetry: ${message}`)
  }

  verbose(message: string): void {
    this.#log.info(`OpenTelemetry: ${message}`)
  }

  #tell(level: 'error' | 'warn', message: string): void {
    const nowMs = this.#nowMs()
    if (!this.#isStarting) {
      if (nowMs - this.#lastToldMs < QUIET_MS) {
        this.#leftOutCount += 1
        return
      }
      this.#lastToldMs = nowMs
    }
    const details = { source: 'opentelemetry', level, leftOutCount: this.#leftOutCount }
    this.#leftOutCount = 0
    this.#log.warn(details, `OpenTelemetry: ${plain(message)}`)
  }
}

/** The SDK reports an error as JSON with a stack and all its fields. */
function plain(message: string): string {
  try {
    const error = JSON.parse(message) as { readonly name?: unknown; readonly message?: unknown }
    const parts = [error.name, error.message].filter(
      (part) => typeof part === 'string' && part !== '',
    )
    return parts.length > 0 ? parts.join(': ') : message
  } catch {
    return message
  }
}
