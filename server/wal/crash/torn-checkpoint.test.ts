import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Random } from '../../random.ts'
import { deadLog } from './testing/dead-log.ts'

const TRIES = 40
const POOLED_EVERY = 8
/** What a disk writes whole. */
const SECTOR_BYTES = 512

const seed = Number(process.env['CRASH_SEED'] ?? 20_261_125)

describe('a checkpoint that a power cut tore', () => {
  it(`is made good by the log, whatever is in the pages that it was copying (seed ${seed})`, async (t) => {
    const base = 2
    const logged = 7
    const dead = await deadLog(t, { baseCount: base, logCount: logged, isRestarted: false })
    const random = new Random(seed)
    const { pageSizeBytes, frames } = dead.log
    const pages = [...new Set(frames.map(({ pageNumber }) => pageNumber))]
    // The first page too, which says what kind of file it is.
    assert.ok(pages.length > 3 && pages.includes(1), pages.join())
    let damaged = 0
    for (let i = 0; i < TRIES; i += 1) {
      const torn = pages.filter(() => random.below(2) === 0)
      // Pages that the log has and the file has not yet: it grows by them.
      const end = Math.max(dead.database.length, ...torn.map((number) => number * pageSizeBytes))
      const database = Buffer.concat([dead.database], end)
      for (const number of torn) {
        const sector = random.below(pageSizeBytes / SECTOR_BYTES)
        const from = (number - 1) * pageSizeBytes + sector * SECTOR_BYTES
        for (let at = from; at < from + SECTOR_BYTES; at += 1) database[at] = random.below(256)
        damaged += 1
      }
      const reading = await dead.readCopy({ database }, { isPooled: i % POOLED_EVERY === 0 })
      assert.deepEqual(reading, { commit: base + logged }, `pages ${torn.join()}`)
    }
    t.diagnostic(`${damaged} pages of ${TRIES} copies`)
  })

  it('is not made good without the log: the damage is there', async (t) => {
    const dead = await deadLog(t, { baseCount: 2, logCount: 1, isRestarted: false })
    const page = dead.log.frames.find(({ pageNumber }) => pageNumber !== 1)!.pageNumber
    const database = Buffer.from(dead.database)
    const from = (page - 1) * dead.log.pageSizeBytes
    database.fill(0xa5, from, from + SECTOR_BYTES)
    assert.ok('problem' in (await dead.readCopy({ database, log: Buffer.alloc(0) })))
    assert.deepEqual(await dead.readCopy({ database }), { commit: 3 })
  })
})
