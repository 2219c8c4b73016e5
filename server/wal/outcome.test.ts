import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { WALPin } from '../../telemetry/events.ts'
import { classify } from './outcome.ts'
import type { PassEvidence } from './outcome.ts'

const pinAt = (slot: number): WALPin => ({
  slot,
  frame: 40,
  lagFrames: 60,
  heldMs: 1000,
  holder: { kind: 'unknown', lease: null, stack: null, pid: null, command: null },
})

describe('classify', () => {
  type Row = [busy: 0 | 1, log: number | null, checkpointed: number | null]
  const evidence = (
    mode: PassEvidence['mode'],
    [busy, log, checkpointed]: Row,
    rest: {
      moved?: number
      pin?: WALPin
      isWriterBusy?: boolean
      before?: number
      size?: number
    } = {},
  ): PassEvidence => ({
    mode,
    pass: {
      busy,
      log,
      checkpointed,
      movedFrames: rest.moved ?? 0,
      before: { frames: rest.before ?? 100, backfilledFrames: rest.before ?? 0 },
      isWriterBusy: rest.isWriterBusy ?? false,
      startedAtMs: 0,
      durationMs: 1,
    },
    pin: rest.pin ?? null,
    sizeBeforeBytes: rest.size ?? 4096,
  })

  const cases: [name: string, evidence: PassEvidence, outcome: string][] = [
    ['all copied', evidence('PASSIVE', [0, 100, 100], { moved: 100 }), 'complete'],
    ['nothing to copy', evidence('PASSIVE', [0, 100, 100]), 'noop'],
    ['FULL, all copied', evidence('FULL', [0, 100, 100], { moved: 1 }), 'complete'],
    [
      'RESTART starts over even with nothing to copy',
      evidence('RESTART', [0, 100, 100]),
      'complete_reset',
    ],
    ['TRUNCATE', evidence('TRUNCATE', [0, 0, 0], { moved: 100 }), 'complete_reset'],
    ['TRUNCATE of a copied log', evidence('TRUNCATE', [0, 0, 0], { before: 0 }), 'complete_reset'],
    ['TRUNCATE of an empty file', evidence('TRUNCATE', [0, 0, 0], { before: 0, size: 0 }), 'noop'],
    [
      'stopped at a reader, although busy is 0',
      evidence('PASSIVE', [0, 100, 40], { moved: 40, pin: pinAt(2) }),
      'partial_reader',
    ],
    ['no progress and no lease to blame', evidence('PASSIVE', [0, 100, 40]), 'partial_reader'],
    [
      'progress and no lease to blame',
      evidence('PASSIVE', [0, 100, 99], { moved: 99 }),
      'partial_writer',
    ],
    [
      'busy, the write lock taken',
      evidence('RESTART', [1, 100, 100], { isWriterBusy: true, pin: pinAt(2) }),
      'busy_writer',
    ],
    [
      'busy, all copied, the write lock free',
      evidence('RESTART', [1, 100, 100]),
      'complete_pinned',
    ],
    ['busy, not all copied', evidence('RESTART', [1, 100, 40]), 'partial_reader'],
    [
      'no progress, and slot 0 in use',
      evidence('PASSIVE', [0, 100, 40], { pin: pinAt(0) }),
      'blocked_read0',
    ],
    [
      'progress before slot 0 was in use',
      evidence('PASSIVE', [0, 100, 40], { moved: 40, pin: pinAt(0) }),
      'partial_reader',
    ],
    [
      'no progress, and nothing was pending before',
      evidence('PASSIVE', [0, 100, 40], { before: 40 }),
      'partial_writer',
    ],
    ['−1, −1', evidence('TRUNCATE', [1, null, null]), 'busy_checkpointer'],
  ]
  for (const [name, given, outcome] of cases) {
    it(`${name} → ${outcome}`, () => assert.equal(classify(given), outcome))
  }
})
