import { randomBytes } from 'node:crypto'

const run = randomBytes(4).toString('hex')
let count = 0

/** Different in every run, counted within it. Never taken from the client: it ends up in logs. */
export function nextRequestId(): string {
  count += 1
  return `${run}-${count.toString(36)}`
}
