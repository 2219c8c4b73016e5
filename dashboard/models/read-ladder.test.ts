import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ReadSlotView, WalView } from '../../telemetry/protocol.ts'
import { ladderOf } from './read-ladder.ts'
import { calmWal } from './testing/calm-wal.ts'

const slot = (number: number, frame: number | null, ...holders: string[]): ReadSlotView => ({
  slot: number,
  frame,
  holders,
})

const wal: WalView = {
  ...calmWal,
  frames: 1000,
  backfilledFrames: 250,
  readSlots: [
    slot(0, 0),
    slot(1, 250, 'GET /report on connection 7'),
    slot(2, 1000, 'process 4711', 'GET /items on connection 3'),
    slot(3, 750),
    slot(4, null),
  ],
}

describe('the ladder of read slots', () => {
  it('is not there where the platform does not show them', () => {
    assert.equal(ladderOf({ ...wal, readSlots: null }), null)
  })

  it('tells slots in use from those that a reader left behind and those never used', () => {
    const ladder = ladderOf(wal)!
    assert.deepEqual(
      ladder.rungs.map(({ state, share }) => [state, share]),
      [
        ['unused', 0],
        ['held', 0.25],
        ['held', 1],
        ['stale', 0.75],
        ['unused', 0],
      ],
    )
    assert.equal(ladder.heldCount, 2)
    assert.equal(ladder.backfilledShare, 0.25)
  })

  it('says in words who uses which', () => {
    assert.deepEqual(
      ladderOf(wal)!.rungs.map(({ words }) => words),
      [
        '',
        'Slot 1 sees frame 250: GET /report on connection 7',
        'Slot 2 sees frame 1,000: process 4711, GET /items on connection 3',
        'Slot 3 is free; its last reader saw frame 750',
        '',
      ],
    )
  })

  it('marks the slot that keeps the log, as long as somebody uses it', () => {
    const pin = {
      slot: 1,
      frame: 250,
      lagFrames: 750,
      sinceAtMs: 0,
      kind: 'process',
      who: 'process 1',
      leaseId: null,
      connectionId: null,
      traceId: null,
      sql: null,
    } as const
    const pinned = ladderOf({ ...wal, pin })!.rungs
    assert.deepEqual(
      pinned.filter(({ isPin }) => isPin).map(({ words }) => words),
      ['Slot 1 sees frame 250, the oldest: GET /report on connection 7'],
    )
    const left = ladderOf({ ...wal, pin, readSlots: [slot(1, 250)] })!.rungs
    assert.ok(left.every(({ isPin }) => !isPin))
  })

  it('puts a reader of the database file at the beginning', () => {
    const [rung] = ladderOf({ ...wal, readSlots: [slot(0, 900, 'process 4711')] })!.rungs
    assert.deepEqual(
      [rung!.state, rung!.share, rung!.words],
      ['held', 0, 'Slot 0 reads the database file alone: process 4711'],
    )
  })

  it('keeps a mark of a longer log inside, and has five slots whatever it is told', () => {
    const { rungs } = ladderOf({ ...wal, frames: 100, readSlots: [slot(3, 750)] })!
    assert.equal(rungs.length, 5)
    assert.equal(rungs[3]!.share, 1)
  })

  it('has nowhere to put a mark in a log without frames', () => {
    for (const frames of [0, null]) {
      const ladder = ladderOf({ ...wal, frames })!
      assert.deepEqual(
        ladder.rungs.map(({ share }) => share),
        [0, 0, 0, 0, 0],
      )
      assert.equal(ladder.backfilledShare, 0)
    }
  })
})
