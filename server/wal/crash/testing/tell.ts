import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'

/** What the parent of this process wants of it. */
export function order<T>(): T {
  return JSON.parse(process.argv[2]!) as T
}

/**
 * Says one line to the parent. It is in the kernel's hands when this returns: what was said before a kill is
 * heard after it.
 */
export function tell(line: string): void {
  writeSync(1, `${line}\n`)
}

/** What the parent says, in its order, until it ends. */
export async function* wishes<T>(): AsyncGenerator<T> {
  for await (const line of createInterface({ input: process.stdin })) yield JSON.parse(line) as T
}
