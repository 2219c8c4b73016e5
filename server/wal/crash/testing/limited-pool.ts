import type { CheckpointEvent, PoolEventBody } from '../../../../telemetry/events.ts'
import type { CheckpointMode } from '../../../../telemetry/stats.ts'
import { ConnectionPool } from '../../../connection-pool.ts'
import { systemClock } from '../../../pool/clock.ts'
import type { PoolOptions } from '../../../pool/options.ts'
import type { WALOptions } from '../../options.ts'
import { CheckpointThread } from '../../thread/client.ts'
import type { PassResult } from '../../thread/wire.ts'
import { WALManager } from '../../wal-manager.ts'

/** Everything automatic happens many times a second, on a log of a few hundred frames. */
export const LOW_LIMITS = {
  checkpointFrames: 20,
  checkpointAgeMs: 20,
  checkpointIntervalMs: 50,
  resetFrames: 150,
  hardFrames: 600,
  shrinkBytes: 0,
  budgetMs: 50,
  probeIntervalMs: 10,
} satisfies WALOptions

export interface Hooks {
  /** A pass was asked for, and then it has ended. Called before the thread hears of it. */
  pass?(mode: CheckpointMode, state: 'begins' | 'ended'): void
  /** The gate is held from now on; it opens when this has settled and the passes are done. */
  gate?(): Promise<void>
  checkpoint?(event: CheckpointEvent): void
}

/** The real pool with its real manager, but with limits that no option of the pool reaches, and watched. */
export class LimitedPool extends ConnectionPool {
  override readonly wal: WALManager

  constructor(options: PoolOptions, limits: WALOptions, hooks: Hooks = {}) {
    super(options)
    const pool = this.logSide
    this.wal = new WALManager({
      path: options.path,
      stats: this.view.stats,
      observer: {
        emit: (event: PoolEventBody) => {
          if (event.type === 'checkpoint') hooks.checkpoint?.(event as CheckpointEvent)
        },
        isObserved: true,
        captureTrace: () => null,
      },
      clock: systemClock,
      pool: {
        snapshots: () => pool.snapshots(),
        gate: (fn, gateLimits) =>
          pool.gate(async () => {
            await hooks.gate?.()
            return fn()
          }, gateLimits),
        holdReads: () => this.logSide.holdReads(),
        holdWrites: (reason) => this.logSide.holdWrites(reason),
        revoke: (leaseId, why) => pool.revoke(leaseId, why),
      },
      holders: (role) => this.holders(role),
      options: limits,
      createThread: (path, clock) => {
        const thread = new CheckpointThread(path, clock)
        return Object.assign(thread, { pass: watchedPass(thread, hooks) })
      },
    })
  }
}

function watchedPass(
  thread: CheckpointThread,
  hooks: Hooks,
): (mode: CheckpointMode, budgetMs: number) => Promise<PassResult> {
  const pass = thread.pass.bind(thread)
  return async (mode, budgetMs) => {
    hooks.pass?.(mode, 'begins')
    const result = await pass(mode, budgetMs)
    hooks.pass?.(mode, 'ended')
    return result
  }
}
