import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { Random } from '../../random.ts'
import { deadLog, type DeadLog } from './testing/dead-log.ts'
import { wholeCommits } from './testing/log-file.ts'

const BASE = 2
const LOGGED = 7
const FLIPS = 40
const TAILS = 12
/** Every so many copies one goes through a whole pool. */
const POOLED_EVERY = 25

const seed = Number(process.env['CRASH_SEED'] ?? 20_261_125)

interface Damage {
  readonly what: string
  readonly log: Buffer
}

/** Every copy shows exactly the commits that are whole in it, and none of it is an error. */
async function assertPrefixes(
  t: TestContext,
  dead: DeadLog,
  damages: readonly Damage[],
): Promise<void> {
  const seen = new Map<number, number>()
  for (const [i, { what, log }] of damages.entries()) {
    const commit = dead.base + wholeCommits(dead.log, log)
    const reading = await dead.readCopy({ log }, { isPooled: i % POOLED_EVERY === 0 })
    assert.deepEqual(reading, { commit }, what)
    seen.set(commit, (seen.get(commit) ?? 0) + 1)
  }
  const counts = [...seen].toSorted(([a], [b]) => a - b).map(([commit, n]) => `${n} at ${commit}`)
  t.diagnostic(`${damages.length} copies: ${counts.join(', ')}`)
  assert.ok(seen.size > 1, 'the damage reached more than one commit')
}

function truncated({ log }: DeadLog): Damage[] {
  const ends = [32, ...log.frames.map(({ offset, sizeBytes }) => offset + sizeBytes)]
  return ends
    .flatMap((end) => [end - 1, end, end + 1])
    .filter((end) => end <= log.bytes.length)
    .map((end) => ({ what: `ends at ${end}`, log: log.bytes.subarray(0, end) }))
}

function flipped({ log }: DeadLog, random: Random): Damage[] {
  return Array.from({ length: FLIPS }, (_, i) => {
    // Half of them where they weigh most: in headers, which are 1 % of the bytes.
    const frame = random.pick(log.frames)
    const inHeader = random.below(8) === 0 ? random.below(32) : frame.offset + random.below(24)
    const at = i % 2 === 0 ? inHeader : random.below(log.bytes.length)
    const bit = random.below(8)
    const bytes = Buffer.from(log.bytes)
    bytes[at]! ^= 1 << bit
    return { what: `bit ${bit} of byte ${at}`, log: bytes }
  })
}

function zeroed({ log }: DeadLog, random: Random): Damage[] {
  return Array.from({ length: TAILS }, () => {
    const from = random.below(log.bytes.length)
    return { what: `zero from ${from}`, log: Buffer.from(log.bytes).fill(0, from) }
  })
}

describe(`the log of a killed process (seed ${seed})`, () => {
  let dead: DeadLog
  const cleanups: (() => void | Promise<void>)[] = []
  before(async () => {
    const suite = { after: (fn: () => void | Promise<void>) => void cleanups.unshift(fn) }
    dead = await deadLog(suite, { baseCount: BASE, logCount: LOGGED, isRestarted: false })
  })
  after(async () => {
    for (const cleanUp of cleanups) await cleanUp()
  })

  it('cut off around every frame shows the commits before the cut', async (t) => {
    assert.ok(dead.log.frames.length >= 25, `${dead.log.frames.length} frames`)
    assert.ok(dead.log.frames.every(({ isCurrent }) => isCurrent))
    await assertPrefixes(t, dead, truncated(dead))
  })

  it('with a flipped bit, or a tail of zeros, shows the commits before the damage', async (t) => {
    const random = new Random(seed)
    await assertPrefixes(t, dead, [...flipped(dead, random), ...zeroed(dead, random)])
  })

  it('in front of the frames of an older one shows nothing of the older one', async (t) => {
    const restarted = await deadLog(t, { baseCount: 10, logCount: 4, isRestarted: true })
    const stale = restarted.log.frames.filter(({ isCurrent }) => !isCurrent)
    assert.ok(stale.length >= 10, `${stale.length} frames of an older log`)
    const random = new Random(seed)
    await assertPrefixes(t, restarted, [
      { what: 'as it was left', log: restarted.log.bytes },
      ...flipped(restarted, random),
      ...truncated(restarted).filter(({ log }) => log.length <= stale[2]!.offset),
    ])
  })

  it('would show a mix of two commits', async () => {
    // The page of one row as it was a commit before: one bit of it.
    const database = Buffer.from(dead.database)
    const at = database.indexOf(Buffer.alloc(3000, 0x5a))
    assert.equal(database[at - 1], BASE)
    database[at - 1] = BASE - 1
    const reading = await dead.readCopy({ database, log: Buffer.alloc(0) })
    assert.ok('problem' in reading, JSON.stringify(reading))
    assert.match(reading.problem, /^slots (1,2,2|2,1,2|2,2,1), history up to 2$/)
  })
})
