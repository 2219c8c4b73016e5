import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { StarvationEvent, WALPin } from '../../telemetry/events.ts'
import { PoolStats } from '../../telemetry/stats.ts'
import type { CycleReport } from './cycle.ts'
import { resolveWALOptions, type WALOptions } from './options.ts'
import { StarvationWatch } from './starvation-watch.ts'

const inVain = { movedFrames: 0, outcome: 'partial_reader' } as CycleReport

function pinOf(leaseId: number, heldMs: number): WALPin {
  const lease = { connectionId: 2, leaseId, heldMs, label: null, sql: null, trace: null }
  const holder = { kind: 'lease', lease, stack: null, pid: 1, command: null } as const
  return { slot: 1, frame: 0, lagFrames: 2000, heldMs, holder }
}

class Rig {
  readonly stats = new PoolStats({
    name: 'rig',
    namespace: 'rig.sqlite',
    maxWaiters: 1,
    readers: { min: 0, max: 1 },
  })
  readonly told: StarvationEvent[] = []
  readonly revoked: number[] = []
  readonly watch: StarvationWatch

  constructor(options: WALOptions = {}) {
    this.watch = new StarvationWatch({
      stats: this.stats,
      observer: {
        isObserved: true,
        emit: (event) => void (event.type === 'starvation' && this.told.push(event)),
        captureTrace: () => null,
      },
      options: resolveWALOptions(options),
      onStarvation: undefined,
      revoke: (leaseId) => this.revoked.push(leaseId) > 0,
    })
  }

  /** One look, with so many frames pending. */
  look(nowMs: number, pin: WALPin | null, pendingFrames = 2000): void {
    Object.assign(this.stats.wal, { frames: 100 + pendingFrames, backfilledFrames: 100, pin })
    this.watch.learn(inVain)
    this.watch.observe(nowMs, 1_000_000 + nowMs)
  }
}

const whoOf = ({ pin }: StarvationEvent): number | string | undefined =>
  pin?.holder.lease?.leaseId ?? pin?.holder.kind

describe('StarvationWatch', () => {
  it('names who it began with until it ends, whoever is seen meanwhile', () => {
    const rig = new Rig()
    rig.look(0, pinOf(7, 0))
    rig.look(2000, pinOf(7, 2000))
    rig.look(2250, { ...pinOf(8, 100), frame: 50 })
    rig.look(2500, null)
    rig.stats.wal.pin = { ...pinOf(8, 350), frame: 50 }
    Object.assign(rig.stats.wal, { backfilledFrames: 2100 })
    rig.watch.observe(2750, 1_002_750)
    assert.deepEqual(
      rig.told.map((event) => [event.isStarved, whoOf(event)]),
      [
        [true, 7],
        [false, 7],
      ],
    )
  })

  it('names another who sees the same, when the first has gone', () => {
    const rig = new Rig()
    rig.look(0, pinOf(7, 0))
    rig.look(2000, pinOf(7, 2000))
    rig.look(4000, pinOf(8, 1500))
    assert.deepEqual(rig.told.map(whoOf), [7, 8])
  })

  it('counts episodes, and says in the stats since when', () => {
    const rig = new Rig()
    rig.look(0, null)
    rig.look(2000, null)
    assert.deepEqual([rig.stats.wal.starvations, rig.stats.wal.starvedSinceMs], [1, 1_002_000])
    rig.look(2250, null, 10)
    assert.deepEqual([rig.stats.wal.starvations, rig.stats.wal.starvedSinceMs], [1, null])
  })

  it('blames somebody unknown when nobody is seen, and whoever is seen later', () => {
    const rig = new Rig()
    rig.look(0, null)
    rig.look(2000, null)
    rig.look(4000, pinOf(7, 4000))
    assert.deepEqual(rig.told.map(whoOf), ['unknown', 7])
    assert.equal(rig.stats.wal.pin?.holder.kind, 'lease')
  })

  it('shows in the stats that somebody is there who cannot be seen, and for how long', () => {
    const rig = new Rig()
    rig.look(0, null)
    rig.look(2000, null)
    rig.look(5000, null)
    const { pin } = rig.stats.wal
    assert.deepEqual([pin?.holder.kind, pin?.heldMs, pin?.lagFrames], ['unknown', 5000, 2000])
  })

  it('does not blame readers for a checkpoint that failed', () => {
    const rig = new Rig()
    for (const outcome of ['error', 'busy_checkpointer', 'partial_writer'] as const) {
      rig.watch.learn({ movedFrames: 0, outcome } as CycleReport)
    }
    Object.assign(rig.stats.wal, { frames: 9000, backfilledFrames: 0 })
    for (const atMs of [0, 2000, 4000]) rig.watch.observe(atMs, atMs)
    assert.deepEqual(rig.told, [])
  })

  it('says nothing while the log is unknown', () => {
    const rig = new Rig()
    rig.watch.observe(0, 0)
    rig.watch.observe(9000, 9000)
    assert.deepEqual(rig.told, [])
  })

  it('takes a lease away that has starved the log for long enough, and no process', () => {
    const rig = new Rig({ starvationReclaimMs: 3000 })
    rig.look(0, pinOf(7, 0))
    rig.look(2000, pinOf(7, 2000))
    assert.deepEqual(rig.revoked, [])
    rig.look(4999, pinOf(7, 4999))
    assert.deepEqual(rig.revoked, [])
    rig.look(5000, pinOf(7, 5000))
    assert.deepEqual(rig.revoked, [7])
    // One whose snapshot was old before there was anything to copy has not starved it for so long.
    const old = new Rig({ starvationReclaimMs: 3000 })
    old.look(0, pinOf(7, 60_000))
    old.look(250, pinOf(7, 60_250))
    assert.equal(old.told.length, 1)
    assert.deepEqual(old.revoked, [])
    const process = { kind: 'process', lease: null, stack: null, pid: 71, command: 'x' } as const
    const other = new Rig({ starvationReclaimMs: 3000 })
    other.look(0, null)
    other.look(2000, { ...pinOf(7, 9000), holder: process })
    other.look(9000, { ...pinOf(7, 9000), holder: process })
    assert.deepEqual(other.revoked, [])
  })

  describe('beside another checkpointer', () => {
    const external = { checkpointer: 'external' } as const
    it('bears what Litestream leaves pending', () => {
      const rig = new Rig(external)
      for (let atMs = 0; atMs < 299_000; atMs += 1000) rig.look(atMs, null, 100_000)
      assert.deepEqual(rig.told, [])
    })

    it('tells when nothing was copied for five minutes', () => {
      const rig = new Rig(external)
      rig.look(0, null)
      rig.look(300_000, null)
      assert.equal(rig.told.length, 1)
    })

    it('tells at once when more is pending than Litestream lets happen', () => {
      const rig = new Rig(external)
      rig.look(0, null, 121_360)
      rig.look(2000, null, 121_360)
      assert.equal(rig.told.length, 1)
    })
  })
})
