import type { EventLogger } from './event-log.ts'

type Level = keyof EventLogger
type Line = readonly [level: Level, fields: object, message: string]

/**
 * The log of what happens before there is one: telemetry starts before Fastify is loaded, and with it
 * before its logger. Lines are kept, and written when the logger is there.
 */
export class LateLog implements EventLogger {
  #log: EventLogger | undefined
  #lines: Line[] = []

  info(fields: object | string, message?: string): void {
    this.#write('info', fields, message)
  }

  warn(fields: object | string, message?: string): void {
    this.#write('warn', fields, message)
  }

  error(fields: object | string, message?: string): void {
    this.#write('error', fields, message)
  }

  attach(log: EventLogger): void {
    this.#log = log
    for (const [level, fields, message] of this.#lines.splice(0)) log[level](fields, message)
  }

  #write(level: Level, fields: object | string, message = ''): void {
    const line: Line = typeof fields === 'string' ? [level, {}, fields] : [level, fields, message]
    if (this.#log === undefined) this.#lines.push(line)
    else this.#log[level](line[1], line[2])
  }
}
