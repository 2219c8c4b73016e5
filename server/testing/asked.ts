import type { CallOptions } from '../pool/acquire-request.ts'
import type { PoolError } from '../pool/errors.ts'
import type { Lease } from '../pool/lease.ts'
import type { PoolRig } from './pool-rig.ts'
import { watch, type Watched } from './watched.ts'

/** An acquire under way. */
export function ask(rig: PoolRig, options: CallOptions = {}): Watched<Lease> {
  return watch(rig.pool.acquire(options))
}

/** The code that it was refused with. */
export function codeOf({ error }: { readonly error: unknown }): string {
  return (error as PoolError).code
}

/** Whoever waits, the first in line first. */
export function waitingLabels(rig: PoolRig): (string | null)[] {
  return rig.pool.waiters().map(({ label }) => label)
}
