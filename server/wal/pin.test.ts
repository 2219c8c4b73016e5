import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { OpenSnapshot } from '../pool/log-side.ts'
import type { AnatomyReading, ReadSlot } from './anatomy/anatomy.ts'
import { PinFinder, type PinEvidence, type PinFindings } from './pin.ts'

const OWN = 1
const OTHER = 71
const NOW_MS = 100_000

/** Lease `id`, whose snapshot began so many ms ago. */
function snapshot(id: number, ageMs: number, rest: Partial<OpenSnapshot> = {}): OpenSnapshot {
  return {
    role: 'reader',
    holder: {
      connectionId: id + 100,
      leaseId: id,
      heldMs: ageMs,
      label: `job ${id}`,
      sql: null,
      trace: null,
      stack: null,
    },
    sinceMs: NOW_MS - ageMs,
    isIterator: false,
    ...rest,
  }
}

/** Slots 0 to 4, each as its frame and the processes that hold it. */
type Slots = readonly [frame: number | null, pids?: readonly number[], isHidden?: boolean][]

function read(slots: Slots): AnatomyReading {
  const all = Array.from({ length: 5 }, (_, slot): ReadSlot => {
    const [frame, pids = [], hasHiddenHolder = false] = slots[slot] ?? [null]
    return { slot, frame, pids, hasHiddenHolder } as ReadSlot
  })
  return {
    index: {} as AnatomyReading['index'],
    slots: all,
    writerPid: null,
    checkpointerPid: null,
  }
}

interface Scene {
  readonly slots: Slots | null
  readonly snapshots?: readonly OpenSnapshot[]
  readonly frames?: number
  readonly backfilledFrames?: number
  /** Frames at most, by age in ms. */
  readonly framesBy?: (ageMs: number) => number
}

function finder(scene: Scene): { find(changes?: Partial<PinEvidence>): PinFindings } {
  const { slots, snapshots = [], frames = 200, backfilledFrames = 50 } = scene
  const pins = new PinFinder({
    snapshots: () => snapshots.toSorted((a, b) => a.sinceMs - b.sinceMs),
    framesBy: (atMs) => scene.framesBy?.(NOW_MS - atMs) ?? Number.POSITIVE_INFINITY,
    readProcess: (pid) => (pid === OTHER ? { pid, command: 'sqlite3 x', startedAtMs: 0 } : null),
    ownPid: OWN,
  })
  const reading = slots === null ? null : read(slots)
  return {
    find: (changes) => pins.find({ reading, frames, backfilledFrames, nowMs: NOW_MS, ...changes }),
  }
}

const inWords = ({ pin }: PinFindings): string => {
  if (pin === null) return 'nobody'
  const { kind, lease, pid } = pin.holder
  const who = lease === null ? `${kind} ${pid}` : `${kind} of ${lease.label}`
  return `${who} in slot ${pin.slot} at ${pin.frame}, ${pin.lagFrames} behind`
}

describe('PinFinder', () => {
  const cases: [name: string, scene: Scene, pin: string][] = [
    ['nobody reads', { slots: [[0], [61]] }, 'nobody'],
    ['everything is copied', { slots: [[0], [61, [OTHER]]], frames: 50 }, 'nobody'],
    ['somebody sees everything', { slots: [[0], [200, [OTHER]]] }, 'nobody'],
    [
      'another process, and later readers of ours',
      { slots: [[0], [61, [OTHER]], [151, [OWN]], [181, [OWN]]], snapshots: [snapshot(7, 400)] },
      'process 71 in slot 1 at 61, 139 behind',
    ],
    [
      'a stale mark is older than the one in use',
      { slots: [[0], [61], [151, [OWN]]], snapshots: [snapshot(7, 400)] },
      'lease of job 7 in slot 2 at 151, 49 behind',
    ],
    [
      'an iterator that nobody reads',
      { slots: [[0], [151, [OWN]]], snapshots: [snapshot(7, 400, { isIterator: true })] },
      'iterator of job 7 in slot 1 at 151, 49 behind',
    ],
    [
      'two leases in one slot: the older one',
      { slots: [[0], [151, [OWN]]], snapshots: [snapshot(8, 300), snapshot(7, 400)] },
      'lease of job 7 in slot 1 at 151, 49 behind',
    ],
    [
      'the database file alone is read',
      {
        slots: [
          [0, [OTHER]],
          [151, [OTHER]],
        ],
      },
      'process 71 in slot 0 at 50, 150 behind',
    ],
    [
      'this process, and no lease',
      { slots: [[0], [151, [OWN]]] },
      'unknown 1 in slot 1 at 151, 49 behind',
    ],
    [
      'a process in another namespace',
      { slots: [[0], [151, [], true]] },
      'unknown null in slot 1 at 151, 49 behind',
    ],
  ]
  for (const [name, scene, pin] of cases) {
    it(`${name} → ${pin}`, () => assert.equal(inWords(finder(scene).find()), pin))
  }

  const slotsOf = (scene: Scene): (string | null | undefined)[][] =>
    finder(scene)
      .find()
      .slots!.slice(1, 4)
      .map(({ holders }) => holders.map(({ lease }) => lease?.label))

  it('gives each slot to those who began when the log was so long', () => {
    const framesBy = (ageMs: number): number => 200 - ageMs / 10
    const snapshots = [snapshot(1, 1400), snapshot(2, 900), snapshot(3, 100), snapshot(4, 50)]
    const slots: Slots = [[0], [60, [OWN]], [110, [OWN]], [180, [OWN]]]
    assert.deepEqual(slotsOf({ slots, snapshots, framesBy }), [
      ['job 1'],
      ['job 2'],
      ['job 3', 'job 4'],
    ])
  })

  it('gives the older slot to the older one of two that began between two looks', () => {
    const snapshots = [snapshot(1, 120), snapshot(2, 100)]
    const slots: Slots = [[0], [60, [OWN]], [110, [OWN]]]
    assert.deepEqual(slotsOf({ slots, snapshots }), [['job 1'], ['job 2'], []])
  })

  it('gives a snapshot that is older than all it remembers to the oldest slot', () => {
    const slots: Slots = [[0], [60, [OWN]], [110, [OWN]]]
    const scene = { slots, snapshots: [snapshot(1, 99_000)], framesBy: () => 0 }
    assert.deepEqual(slotsOf(scene), [['job 1'], [undefined], []])
  })

  it('says since when a process has held what it holds, as long as it is the same', () => {
    const pins = finder({ slots: [[0], [61, [OTHER]]] })
    assert.equal(pins.find().pin?.heldMs, 0)
    assert.equal(pins.find({ nowMs: NOW_MS + 700 }).pin?.heldMs, 700)
    const later = read([[0], [90, [OTHER]]])
    assert.equal(pins.find({ nowMs: NOW_MS + 900, reading: later }).pin?.heldMs, 0)
    assert.equal(pins.find({ nowMs: NOW_MS + 1000 }).pin?.heldMs, 0)
  })

  it('tells how long the oldest snapshot was held, also one that pins nothing', () => {
    const scene = { slots: [[0], [200, [OWN]]] as Slots, snapshots: [snapshot(1, 800)] }
    assert.equal(finder(scene).find().longestHeldMs, 800)
    assert.equal(finder({ slots: [[0]] }).find().longestHeldMs, 0)
  })

  describe('where the platform shows nothing', () => {
    const framesBy = (ageMs: number): number => 200 - ageMs
    it('names the oldest lease after whose snapshot something was committed', () => {
      const findings = finder({ slots: null, snapshots: [snapshot(7, 40)], framesBy }).find()
      assert.equal(inWords(findings), 'lease of job 7 in slot null at null, 40 behind')
      assert.deepEqual([findings.slots, findings.longestHeldMs], [null, 40])
    })

    const none: [name: string, scene: Scene][] = [
      ['nobody reads', { slots: null }],
      ['everything is copied', { slots: null, snapshots: [snapshot(7, 40)], framesBy, frames: 50 }],
      ['nothing was committed since', { slots: null, snapshots: [snapshot(7, 0)], framesBy }],
    ]
    for (const [name, scene] of none) {
      it(`names nobody when ${name}`, () => assert.equal(finder(scene).find().pin, null))
    }
  })
})
