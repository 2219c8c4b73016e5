import type { Lease } from '../pool/lease.ts'
import { PoolRig, type RigOptions } from './pool-rig.ts'

/** Who comes second waits. */
export const ONE_READER: RigOptions = { readers: { min: 1, max: 1 } }

/** A pool whose only reader is held. */
export async function held(options: RigOptions = {}): Promise<{ rig: PoolRig; holder: Lease }> {
  const rig = await PoolRig.open({ ...ONE_READER, ...options })
  return { rig, holder: await rig.pool.acquire({ label: 'holder' }) }
}
