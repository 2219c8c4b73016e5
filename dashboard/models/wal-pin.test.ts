import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PinView, WalView } from '../../telemetry/protocol.ts'
import { calmWal } from './testing/calm-wal.ts'
import { pinRow } from './wal-pin.ts'

const plain = (text: string): string => text.replaceAll('\u2009', ' ')

const pin: PinView = {
  slot: 1,
  frame: 400,
  lagFrames: 500,
  sinceAtMs: 10_000,
  kind: 'lease',
  who: 'GET /report on connection 7',
  leaseId: 9,
  connectionId: 7,
  traceId: 'abc',
  sql: 'SELECT 1',
}
const pinned: WalView = { ...calmWal, pin }

describe('the row of whoever keeps the log', () => {
  it('is not there when nobody does, or not for a second yet', () => {
    assert.equal(pinRow(calmWal, 99_000), null)
    assert.equal(pinRow(pinned, 10_999), null)
    assert.notEqual(pinRow(pinned, 11_000), null)
  })

  it('says who, since when and what came after, with the statement and the trace', () => {
    const row = pinRow(pinned, 48_000)!
    assert.deepEqual(
      { ...row, ageText: plain(row.ageText), lagText: plain(row.lagText) },
      {
        tone: 'neutral',
        label: 'Oldest reader',
        who: 'GET /report on connection 7',
        ageText: '38 s',
        lagText: 'Sees frame 400; 500 frames (2.0 MiB) came after.',
        sql: 'SELECT 1',
        traceId: 'abc',
      },
    )
  })

  it('ages while nothing new is told', () => {
    assert.equal(plain(pinRow(pinned, 49_000)!.ageText), '39 s')
  })

  const alarms: readonly (readonly [name: string, change: Partial<WalView>])[] = [
    ['the log is starved', { isStarved: true }],
    ['writers are held back', { backpressure: 'size' }],
  ]
  for (const [name, change] of alarms) {
    it(`is an alarm when ${name}`, () => {
      const { tone, label } = pinRow({ ...pinned, ...change }, 48_000)!
      assert.deepEqual([tone, label], ['crit', 'Keeps the log'])
    })
  }

  const lags: readonly (readonly [name: string, change: Partial<PinView>, text: string])[] = [
    [
      'a reader of the database file',
      { slot: 0 },
      'Reads the database file alone; 500 frames (2.0 MiB) came after.',
    ],
    [
      'a reader whose slot cannot be seen',
      { slot: null, frame: null },
      '500 frames (2.0 MiB) came after.',
    ],
    ['a reader of which nothing is known', { slot: null, frame: null, lagFrames: null }, ''],
    ['a single frame', { lagFrames: 1 }, 'Sees frame 400; 1 frame (4.1 KiB) came after.'],
  ]
  for (const [name, change, text] of lags) {
    it(`says of ${name} what it sees`, () => {
      const row = pinRow({ ...calmWal, pin: { ...pin, ...change } }, 48_000)!
      assert.equal(plain(row.lagText), text)
    })
  }
})
