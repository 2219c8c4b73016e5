import { assertGood } from './call.ts'
import type { Clock } from './clock.ts'
import { PoolError } from './errors.ts'
import type { Hold } from './hold.ts'
import type { Lane } from './lane.ts'
import type { Scope } from './scope.ts'
import { isDoneWithin } from './time-limit.ts'

interface BarrierParts {
  /** The writer's. */
  readonly hold: Hold
  readonly clock: Clock
  readonly endMs: number
  /** Every reader waits in turn for the writer. */
  readonly isStuck: () => boolean
}

/**
 * Runs `fn` while nobody reads: the readers that wait already are served, newcomers queue, and `fn` begins when
 * every reader is back. `hold` is the writer's, so nobody writes either.
 */
export async function behindBarrier<T>(
  reader: Lane,
  parts: BarrierParts,
  fn: () => Promise<T>,
): Promise<T> {
  const { hold } = parts
  try {
    await reached(reader, parts)
    // The readers may have come back because everything was taken away.
    assertGood(hold)
    return await fn()
  } finally {
    reader.lowerBarrier()
  }
}

async function reached(reader: Lane, { hold, clock, endMs, isStuck }: BarrierParts): Promise<void> {
  const { signal } = hold.request
  // In the step in which the writer was granted nobody listened.
  signal?.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const raised = reader.raiseBarrier(hold, () => {
    if (!isStuck()) return
    reject(deadlock('a barrier waits for readers that wait for it', reader.holds(), clock))
  })
  const onAbort = (): void => reject(signal!.reason)
  signal?.addEventListener('abort', onAbort)
  const { onRevoked } = hold
  hold.onRevoked = (reason) => {
    reject(reason)
    onRevoked?.(reason)
  }
  try {
    const nowMs = clock.nowMs()
    const isReached = await isDoneWithin(
      clock,
      Math.max(endMs - nowMs, 0),
      Promise.race([raised, aborted]),
    )
    if (isReached) return
    const holders = reader.holds().filter((one) => one !== hold)
    throw new PoolError(
      'POOL_ACQUIRE_TIMEOUT',
      `${holders.length} readers did not come back in time`,
      {
        hint: 'release sooner, or give the barrier more time',
        holders: holders.slice(0, 4).map((one) => one.toHolder(clock.nowMs())),
        outcome: 'not_started',
      },
    )
  } finally {
    signal?.removeEventListener('abort', onAbort)
    hold.onRevoked = onRevoked
  }
}

/** A barrier asked for by someone who reads would wait for itself. @throws {POOL_DEADLOCK} */
export function assertReadsNothing(reader: Lane, scope: Scope | undefined, clock: Clock): void {
  const own = [...(scope ?? [])].filter(({ hold }) => hold.host === reader)
  if (own.length === 0) return
  const holds = own.map(({ hold }) => hold)
  throw deadlock('a barrier waits for all readers, and its caller is one', holds, clock)
}

function deadlock(message: string, holds: readonly Hold[], clock: Clock): PoolError {
  const nowMs = clock.nowMs()
  return new PoolError('POOL_DEADLOCK', message, {
    hint: 'begin the barrier outside of a scope that reads, and write outside of one too',
    holders: holds.map((hold) => hold.toHolder(nowMs)),
    outcome: 'not_started',
  })
}
