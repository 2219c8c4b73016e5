import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PoolEventBody } from '../../telemetry/events.ts'
import { WalStats } from '../../telemetry/stats.ts'
import type { PoolError } from '../pool/errors.ts'
import { Backpressure, type BackpressureSigns, DELAY_MS } from './backpressure.ts'

const LIMIT = 1000

interface Rig {
  readonly stats: WalStats
  readonly events: PoolEventBody[]
  readonly backpressure: Backpressure
  /** What writers meet now. */
  writers: 'served' | 'held back' | 'refused'
  refusal: (() => PoolError) | null
}

function open(limitBytes = LIMIT): Rig {
  const rig: Rig = {
    stats: new WalStats(),
    events: [],
    writers: 'served',
    refusal: null,
    backpressure: new Backpressure({
      limitBytes,
      get stats() {
        return rig.stats
      },
      observer: {
        isObserved: true,
        emit: (event) => void rig.events.push(event),
        captureTrace: () => null,
      },
      holdWrites: (reason) => {
        rig.writers = 'held back'
        return {
          refuse: () => {
            rig.refusal = reason
            rig.writers = 'refused'
          },
          end: () => {
            rig.refusal = null
            rig.writers = 'served'
          },
        }
      },
    }),
  }
  return rig
}

const MEBIBYTE = 1024 * 1024
const signs: BackpressureSigns = {
  liveBytes: 0,
  pendingBytes: 1,
  canStartOver: false,
  diskBytes: 1e12,
  headroomBytes: 1e11,
  nowMs: 0,
}
/** Less than four, and something pending. */
const low = { headroomBytes: 3 * MEBIBYTE }

const lease = {
  connectionId: 3,
  leaseId: 30,
  heldMs: 5000,
  label: 'GET /old',
  sql: null,
  trace: null,
}
const pin = {
  slot: 1,
  frame: 1,
  lagFrames: 9,
  heldMs: 5000,
  holder: { kind: 'lease', lease, stack: 'at old.ts', pid: 1, command: null },
} as const

describe('Backpressure', () => {
  //  bytes      999   1000  1000  1000   950   899
  //  ms           0    100  1099  1100  1200  1300
  //  writers      -   wait  wait  ref.  ref.     -
  it('makes writers wait for a second, then refuses them, until the log is a tenth shorter', () => {
    const rig = open()
    const seen = [
      [999, 0],
      [1000, 100],
      [1000, 100 + DELAY_MS - 1],
      [1000, 100 + DELAY_MS],
      [950, 1200],
      [899, 1300],
    ].map(([liveBytes, nowMs]) => {
      rig.backpressure.observe({ ...signs, liveBytes: liveBytes!, nowMs: nowMs! })
      return rig.writers
    })
    assert.deepEqual(seen, ['served', 'held back', 'held back', 'refused', 'refused', 'served'])
    assert.equal(rig.refusal, null)
    assert.deepEqual(
      rig.events.map((event) => event.type === 'backpressure' && [event.isOn, event.reason]),
      [
        [true, 'size'],
        [false, 'size'],
      ],
    )
  })

  const cases: [
    name: string,
    limit: number,
    given: Partial<BackpressureSigns>,
    reason: string | null,
  ][] = [
    ['a log that the next write starts over', LIMIT, { liveBytes: 9999, canStartOver: true }, null],
    ['no limit', 0, { liveBytes: 1e12 }, null],
    ['a disk that is nearly full', LIMIT, low, 'disk'],
    ['a disk that is nearly full, and no limit', 0, low, 'disk'],
  ]
  for (const [name, limit, given, reason] of cases) {
    it(`${name}: ${reason ?? 'nobody waits'}`, () => {
      const rig = open(limit)
      rig.backpressure.observe({ ...signs, ...given })
      assert.equal(rig.stats.backpressure, reason)
    })
  }

  it('refuses with who is in the way, and that nothing was done', () => {
    const rig = open()
    Object.assign(rig.stats, { pin, frames: 10, backfilledFrames: 1, sizeBytes: 1200 })
    rig.backpressure.observe({ ...signs, liveBytes: 1000 })
    rig.backpressure.observe({ ...signs, liveBytes: 1000, nowMs: DELAY_MS })
    const error = rig.refusal!()
    assert.equal(error.code, 'WAL_FULL')
    assert.equal(error.outcome, 'not_started')
    assert.match(error.message, /GET \/old on connection 3 has kept it for 5000 ms/)
    assert.deepEqual(error.details, { sizeBytes: 1200, limitBytes: LIMIT, pendingFrames: 9 })
    assert.deepEqual(error.holders, [{ ...lease, stack: 'at old.ts' }])
  })

  it('says of a full disk what to do, and names nobody when nobody is in the way', () => {
    const rig = open()
    rig.stats.headroomBytes = 3 * 1024 * 1024
    rig.backpressure.observe({ ...signs, ...low })
    rig.backpressure.observe({ ...signs, ...low, nowMs: DELAY_MS })
    const error = rig.refusal!()
    assert.match(error.message, /nearly full \(3 MiB left\), and nothing more is written$/)
    assert.match(error.hint, /free some disk space/)
    assert.deepEqual(error.holders, [])
  })

  it('stays on a full disk until there is room again, also when the log is empty', () => {
    const rig = open()
    const seen = [3, 3.5, 5.9, 6].map((mebibytes, i) => {
      const pendingBytes = i === 0 ? 1 : 0
      rig.backpressure.observe({ ...signs, pendingBytes, headroomBytes: mebibytes * MEBIBYTE })
      return rig.stats.backpressure
    })
    assert.deepEqual(seen, ['disk', 'disk', 'disk', null])
  })

  it('does not blame a reader where there is none', () => {
    const rig = open()
    rig.backpressure.observe({ ...signs, liveBytes: 1000 })
    rig.backpressure.observe({ ...signs, liveBytes: 1000, nowMs: DELAY_MS })
    assert.match(rig.refusal!().hint, /unless automatic checkpoints were stopped/)
  })

  it('can be lifted, and has nothing to lift when it is off', () => {
    const rig = open()
    rig.backpressure.lift()
    assert.deepEqual(rig.events, [])
    rig.backpressure.observe({ ...signs, liveBytes: 1000 })
    rig.backpressure.lift()
    assert.deepEqual([rig.writers, rig.stats.backpressure, rig.events.length], ['served', null, 2])
  })
})
