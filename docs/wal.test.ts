import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { resolveWALOptions, type WALOptions } from '../server/wal/options.ts'
import { decide, type Decision, type WALSituation } from '../server/wal/policy.ts'
import { STARVATION_MS } from '../server/wal/starvation.ts'
import type { WALInfo } from '../server/wal/wal-info.ts'
import { CHECKPOINT_OUTCOMES, WAL_HOLDER_KINDS } from '../telemetry/events.ts'
import { CHECKPOINT_MODES, CHECKPOINT_TRIGGERS } from '../telemetry/stats.ts'
import { readTable } from './testing/markdown-table.ts'

const markdown = readFileSync(join(import.meta.dirname, 'wal.md'), 'utf8')
const table = (name: string): Record<string, string>[] => readTable(markdown, name)
const column = (name: string, heading: string): string[] =>
  table(name).map((row) => row[heading]!.replaceAll('`', ''))

/** Held to the type by the compiler. */
const NUMBERS: Record<keyof WALInfo, true> = {
  journalMode: true,
  frames: true,
  backfilledFrames: true,
  pendingFrames: true,
  sizeBytes: true,
  databaseSizeBytes: true,
  pageSizeBytes: true,
  oldestPendingMs: true,
  isStarved: true,
  intervalMs: true,
  probedAtMs: true,
  unknownProbes: true,
  lastCheckpoint: true,
  lastCompleteAtMs: true,
  checkpointer: true,
  resets: true,
  externalCheckpoints: true,
  pin: true,
  readSlots: true,
  limitBytes: true,
  backpressure: true,
  headroomBytes: true,
}

const defaults = resolveWALOptions()

describe('docs/wal.md', () => {
  const lists: readonly { table: string; heading: string; code: readonly string[] }[] = [
    { table: 'outcomes', heading: 'outcome', code: CHECKPOINT_OUTCOMES },
    { table: 'options', heading: 'option', code: Object.keys(defaults) },
    { table: 'modes', heading: 'mode', code: CHECKPOINT_MODES },
    { table: 'numbers', heading: 'number', code: Object.keys(NUMBERS) },
    { table: 'holders', heading: '`pin.holder.kind`', code: WAL_HOLDER_KINDS },
  ]
  for (const { table: name, heading, code } of lists) {
    it(`has every one of the ${name} of the code, and no other`, () => {
      assert.deepEqual(column(name, heading).sort(), [...code].sort())
    })
  }

  it('names every trigger', () => {
    for (const trigger of CHECKPOINT_TRIGGERS)
      assert.ok(markdown.includes(`\`${trigger}\``), trigger)
  })

  it('has the time after which backfill is starved', () => {
    assert.ok(markdown.includes(`none has been copied for ${STARVATION_MS / 1000} s`))
  })
})

describe('the options table', () => {
  for (const row of table('options')) {
    const name = row['option']!.replaceAll('`', '') as keyof WALOptions

    it(`has the default and the minimum of ${name}`, () => {
      assert.equal(row['default'], String(defaults[name]))
      if (name === 'checkpointer') return
      const minimum = Number(row['minimum'])
      assert.equal(resolveWALOptions({ [name]: minimum })[name], minimum)
      assert.throws(() => resolveWALOptions({ [name]: minimum - 1 }), {
        code: 'WAL_INVALID_OPTION',
      })
    })
  }
})

/** A log to which no rule applies. */
const calm: WALSituation = {
  frames: 10,
  backfilledFrames: 0,
  sizeBytes: 10 * 4120,
  pageSizeBytes: 4096,
  oldestPendingMs: 0,
  quietMs: 0,
  isIntervalDue: false,
  waitingWriters: 0,
  longestHeldMs: 0,
  budgetMs: 250,
  hardBudgetMs: 1000,
  isPassiveBackedOff: false,
  isBlockingBackedOff: false,
  isBackpressured: false,
}

describe('the strategy table', () => {
  /** What each rule of the table looks like, and what it must lead to. */
  const rules: Record<string, { situation: Partial<WALSituation>; action: Decision['action'] }> = {
    relief: { situation: { isBackpressured: true }, action: 'relieve' },
    hard: { situation: { frames: defaults.hardFrames }, action: 'restart' },
    reset: { situation: { frames: defaults.resetFrames }, action: 'reset' },
    soft: {
      situation: { frames: defaults.checkpointFrames, backfilledFrames: 0 },
      action: 'passive',
    },
    shrink: {
      situation: { backfilledFrames: 10, sizeBytes: defaults.shrinkBytes + 1, quietMs: 1000 },
      action: 'shrink',
    },
    interval: { situation: { isIntervalDue: true }, action: 'passive' },
    age: { situation: { oldestPendingMs: defaults.checkpointAgeMs }, action: 'passive' },
  }

  it('has every rule, in the order in which they decide', () => {
    assert.deepEqual(column('strategy', 'rule'), Object.keys(rules))
    // Of each two neighbours the first decides.
    const inOrder = Object.values(rules)
    for (const [i, { situation, action }] of inOrder.entries()) {
      const both = { ...calm, ...inOrder[i + 1]?.situation, ...situation }
      assert.equal(decide(both, defaults).action, action)
    }
  })

  for (const row of table('strategy')) {
    it(`${row['rule']} does what it says, and nothing is done without it`, () => {
      const { situation, action } = rules[row['rule']!]!
      const trigger = row['trigger']!.replaceAll('`', '')
      assert.deepEqual(decide({ ...calm, ...situation }, defaults), { action, trigger })
      assert.equal(decide(calm, defaults).action, 'none')
      const word = {
        passive: 'PASSIVE',
        reset: 'RESTART',
        restart: 'RESTART',
        shrink: 'TRUNCATE',
        relieve: 'TRUNCATE',
        none: '',
      }[action]
      assert.ok(row['what']!.includes(word), row['what']!)
    })
  }
})
