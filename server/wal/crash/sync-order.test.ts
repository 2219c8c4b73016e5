import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, it, type TestContext } from 'node:test'
import { tempDatabase } from '../../testing/temp-db.ts'
import { startChild } from './testing/child.ts'
import { parseTrace, traceArguments, type FileCall, type Step } from './testing/sync-trace.ts'
import type { TracedOrder } from './testing/traced.ts'

const COMMITS = 5

/** The log is safe before the database is touched, and the database before the log is given up. */
const COPY: readonly FileCall[] = [
  'sync log',
  'write database',
  'truncate database',
  'sync database',
]

function whyNot(): string | false {
  const { error, status } = spawnSync('strace', ['-f', 'true'])
  if (error !== undefined) return 'strace is not installed'
  return status === 0 ? false : 'ptrace is not permitted'
}

async function steps(t: TestContext, durability: TracedOrder['durability']): Promise<Step[]> {
  const path = tempDatabase(t)
  const trace = `${path}.trace`
  const order: TracedOrder = { path, durability, commitCount: COMMITS }
  const child = startChild(t, 'traced.ts', order, { under: ['strace', ...traceArguments(trace)] })
  await child.gone
  return parseTrace(readFileSync(trace, 'utf8'), path)
}

function assertSteps(
  found: readonly Step[],
  expected: Readonly<Record<string, readonly FileCall[]>>,
): void {
  const count = (name: string): number => found.filter((step) => step.name === name).length
  assert.deepEqual(
    { commit: count('commit'), first: count('first commit'), all: found.length },
    { commit: 4 * COMMITS, first: 3, all: 4 * COMMITS + 3 + 4 },
  )
  for (const { name, calls } of found) assert.deepEqual(calls, expected[name], name)
}

const checkpoints = {
  PASSIVE: COPY,
  RESTART: COPY,
  TRUNCATE: [...COPY, 'truncate log'],
  close: [...COPY, 'truncate log'],
} as const

describe('what reaches the disk, and when', { skip: whyNot(), concurrency: true }, () => {
  it('with durability normal: no sync in a commit, and all of them around a checkpoint', async (t) => {
    assertSteps(await steps(t, 'normal'), {
      commit: ['write log'],
      // But for the header of a log that starts over: its frames must never be taken for those of the old one.
      'first commit': ['write log header', 'sync log', 'write log'],
      ...checkpoints,
    })
  })

  it('with durability full: one sync at the end of each commit', async (t) => {
    assertSteps(await steps(t, 'full'), {
      commit: ['write log', 'sync log'],
      'first commit': ['write log header', 'sync log', 'write log', 'sync log'],
      ...checkpoints,
    })
  })
})

describe('the reader of a trace', () => {
  it('counts a sync when it is done, also one that another thread came between', () => {
    const trace = [
      '7 write(1<UNIX-STREAM:[5->6]>, "begins PASSIVE\\n", 15) = 15',
      '9 fdatasync(4</d/x-wal> <unfinished ...>',
      '8 pwrite64(5</d/x>, "a\\"b"..., 4096, 0 <unfinished ...>',
      '9 <... fdatasync resumed>) = 0',
      '8 <... pwrite64 resumed>) = 4096',
      '8 fsync(5</d/x>) = 0',
      '8 pwrite64(4</d/x-wal>, "7", 32, 0) = 32',
      '8 pwrite64(4</d/x-wal>, "7", 24, 32) = 24',
      '8 pwrite64(4</d/x-wal>, "7", 24, 56) = 24',
      '8 ftruncate(4</d/x-wal>, 0) = 0',
      '8 fsync(6</d/x-shm>) = 0',
      '7 write(1<UNIX-STREAM:[5->6]>, "ended PASSIVE\\n", 14 <unfinished ...>',
      '8 fsync(5</d/x>) = 0',
    ].join('\n')
    const calls: readonly FileCall[] = [
      'write database',
      'sync log',
      'sync database',
      'write log header',
      'write log',
      'truncate log',
    ]
    assert.deepEqual(parseTrace(trace, '/d/x'), [{ name: 'PASSIVE', calls }])
  })
})
