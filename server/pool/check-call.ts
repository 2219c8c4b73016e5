import { inspect } from 'node:util'
import type { AcquireMode, CallOptions } from './acquire-request.ts'
import { LONGEST_TIMER_MS } from './clock.ts'
import { PoolError } from './errors.ts'

/** What is wrong with what a call was given; `null` when nothing is. */
export function wrongCall(options: CallOptions): PoolError | null {
  const { mode, label, signal, timeoutMs, priority } = options
  return (
    (mode === undefined ? null : wrongMode(mode)) ??
    (timeoutMs === undefined ? null : wrongTimeout(timeoutMs)) ??
    (label === undefined ? null : wrongLabel(label)) ??
    (signal === undefined ? null : wrongSignal(signal)) ??
    (priority === undefined ? null : wrongPriority(priority))
  )
}

export function wrongTimeout(timeoutMs: unknown, name = 'timeoutMs'): PoolError | null {
  if (typeof timeoutMs === 'number' && timeoutMs >= 0) return null
  return invalid(`${name} must be a number of at least 0`, timeoutMs)
}

/** @throws {TypeError} before anything is acquired */
export function assertFunction(fn: unknown): void {
  if (typeof fn !== 'function') throw new TypeError(`expected a function, and got ${inspect(fn)}`)
}

/** @throws {POOL_INVALID_OPTION} */
export function assertAge(maxAgeMs: unknown): void {
  const isRight = Number.isInteger(maxAgeMs) && (maxAgeMs as number) >= 1
  if (isRight && (maxAgeMs as number) <= LONGEST_TIMER_MS) return
  throw invalid(`maxAgeMs must be a whole number from 1 to ${LONGEST_TIMER_MS}`, maxAgeMs)
}

export function invalid(rule: string, value: unknown): PoolError {
  return new PoolError('POOL_INVALID_OPTION', `${rule}, and is ${inspect(value, { depth: 0 })}`, {
    hint: 'docs/pool.md has what every call takes',
    outcome: 'not_started',
  })
}

function wrongMode(mode: AcquireMode): PoolError | null {
  return mode === 'read' || mode === 'write' ? null : invalid('mode must be read or write', mode)
}

function wrongLabel(label: unknown): PoolError | null {
  return typeof label === 'string' ? null : invalid('label must be a string', label)
}

/** One that cannot be listened to would leave its caller in the queue for ever. */
function wrongSignal(signal: unknown): PoolError | null {
  return signal instanceof AbortSignal ? null : invalid('signal must be an AbortSignal', signal)
}

function wrongPriority(priority: unknown): PoolError | null {
  const isRight = Number.isInteger(priority) && Math.abs(priority as number) <= 10
  return isRight ? null : invalid('priority must be a whole number from -10 to 10', priority)
}
