import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import Database from 'better-sqlite3'
import { tempDatabase } from '../../testing/temp-db.ts'
import { until } from '../../testing/until.ts'
import { describeReading, WALAnatomy } from './anatomy.ts'
import type { AnatomyReading } from './anatomy.ts'
import { readFileLocks } from './file-locks.ts'
import type { FileLock } from './file-locks.ts'
import { indexBytes } from './testing/index-bytes.ts'
import { startPeer } from './testing/peer-process.ts'
import { parseWALIndex } from './wal-index.ts'

const skip = process.platform === 'linux' ? false : 'there is no /proc'

interface Cleanup {
  after(fn: () => void): void
}

interface Bench {
  readonly path: string
  readonly writer: Database.Database
  readonly anatomy: WALAnatomy
  connect(): Database.Database
  /** One commit, and how many frames there are then. */
  write(): number
  /** A connection that reads what there is now, until it is closed. */
  pinned(): Database.Database
}

function bench(t: Cleanup, setup = ''): Bench {
  const path = tempDatabase(t)
  const connect = (): Database.Database => {
    const database = new Database(path, { timeout: 0 })
    t.after(() => database.close())
    database.pragma('wal_autocheckpoint = 0')
    return database
  }
  const writer = connect()
  writer.exec(`${setup}; PRAGMA journal_mode = WAL; CREATE TABLE entry (body)`)
  const anatomy = new WALAnatomy(path)
  t.after(() => anatomy.close())
  return {
    path,
    writer,
    anatomy,
    connect,
    write() {
      writer.exec('INSERT INTO entry VALUES (randomblob(2000))')
      return anatomy.index()!.frames
    },
    pinned() {
      const database = connect()
      database.exec('BEGIN; SELECT count(*) FROM entry')
      database.prepare('SELECT count(*) FROM entry').get()
      return database
    },
  }
}

const noop = (database: Database.Database): unknown =>
  database.prepare('PRAGMA wal_checkpoint(NOOP)').raw().get()

const passive = (database: Database.Database): unknown =>
  database.prepare('PRAGMA wal_checkpoint(PASSIVE)').raw().get()

const numbers = ({ anatomy }: Bench): unknown => {
  const { frames, backfilledFrames } = anatomy.index()!
  return [0, frames, backfilledFrames]
}

/** The slots that somebody is in, as frame and who. */
const held = (reading: AnatomyReading | null): unknown =>
  reading!.slots.filter(({ pids }) => pids.length > 0).map(({ frame, pids }) => [frame, ...pids])

/** Salts in the head of the log, a file that may be read. */
function saltsOnDisk(path: string): number[] {
  const head = readFileSync(`${path}-wal`)
  return [head.readUInt32BE(16), head.readUInt32BE(20)]
}

describe('WALAnatomy', { skip }, () => {
  it('agrees with SQLite on the length of the log and on what is copied', (t) => {
    const b = bench(t)
    const steps: (() => void)[] = [
      () => undefined,
      () => void b.write(),
      () => void passive(b.writer),
      () => void b.write(),
      () => void b.pinned(),
      () => void b.write(),
      () => void passive(b.writer),
    ]
    for (const [i, step] of steps.entries()) {
      step()
      assert.deepEqual(numbers(b), noop(b.writer), `after step ${i}`)
    }
    const [, frames, backfilled] = noop(b.writer) as number[]
    assert.ok(backfilled! > 0 && backfilled! < frames!, 'the reader held some back')
  })

  it('agrees with SQLite after a restart and after the log was cut', (t) => {
    const b = bench(t)
    b.write()
    const before = b.anatomy.index()!.salts
    assert.deepEqual(before, saltsOnDisk(b.path))
    b.writer.pragma('wal_checkpoint(RESTART)')
    assert.deepEqual(numbers(b), noop(b.writer))
    b.write()
    assert.deepEqual(numbers(b), noop(b.writer))
    assert.ok(b.anatomy.index()!.frames < 5, 'it has started over')
    assert.notDeepEqual(b.anatomy.index()!.salts, before)
    assert.deepEqual(b.anatomy.index()!.salts, saltsOnDisk(b.path))
    b.writer.pragma('wal_checkpoint(TRUNCATE)')
    assert.deepEqual(numbers(b), [0, 0, 0])
  })

  it('knows the size and the number of pages', (t) => {
    for (const sizeBytes of [512, 65_536]) {
      const b = bench(t, `PRAGMA page_size = ${sizeBytes}`)
      b.write()
      const { pages, pageSizeBytes } = b.anatomy.index()!
      assert.equal(pageSizeBytes, sizeBytes)
      assert.equal(pages, b.writer.pragma('page_count', { simple: true }))
      assert.deepEqual(numbers(b), noop(b.writer))
    }
  })

  it('does not count what is not committed', (t) => {
    const b = bench(t)
    const frames = b.write()
    b.writer.exec('PRAGMA cache_size = 5; BEGIN')
    for (let i = 0; i < 100; i += 1) b.writer.exec('INSERT INTO entry VALUES (randomblob(2000))')
    assert.equal(b.anatomy.index()!.frames, frames)
  })

  it('names the process and the frame that the log is pinned at, and later readers of its own', async (t) => {
    const b = bench(t)
    const frame = b.write()
    const peer = await startPeer(t, b.path)
    await peer.ask('BEGIN')
    await peer.ask('SELECT count(*) FROM entry')
    passive(b.writer)
    b.write()
    const [early, late] = [b.pinned(), b.write()]
    const ours = b.pinned()
    b.write()
    passive(b.writer)

    const { index, slots } = b.anatomy.read()!
    assert.deepEqual(
      slots.map(({ slot }) => slot),
      [0, 1, 2, 3, 4],
    )
    assert.equal(index.backfilledFrames, frame)
    assert.deepEqual(held(b.anatomy.read()), [
      [frame, peer.pid],
      [frame + 1, process.pid],
      [late, process.pid],
    ])

    await peer.kill()
    early.close()
    assert.deepEqual(held(b.anatomy.read()), [[late, process.pid]])
    ours.close()
    const after = b.anatomy.read()!
    assert.deepEqual(held(after), [])
    assert.deepEqual(after.index.readMarks, index.readMarks, 'the marks have stayed')
    assert.ok(after.slots.some(({ frame: mark }) => mark === frame))
  })

  it('names two processes in one slot', async (t) => {
    const b = bench(t)
    const frame = b.write()
    const peer = await startPeer(t, b.path)
    await peer.ask('BEGIN')
    await peer.ask('SELECT count(*) FROM entry')
    b.pinned()
    const inUse = b.anatomy.read()!.slots.filter(({ pids }) => pids.length > 0)
    assert.deepEqual(
      inUse.map((slot) => [slot.frame, new Set(slot.pids)]),
      [[frame, new Set([peer.pid, process.pid])]],
    )
  })

  it('names whoever reads the database file alone', async (t) => {
    const b = bench(t)
    b.write()
    passive(b.writer)
    const peer = await startPeer(t, b.path)
    await peer.ask('BEGIN')
    await peer.ask('SELECT count(*) FROM entry')
    assert.deepEqual(held(b.anatomy.read()), [[0, peer.pid]])
    assert.deepEqual(b.anatomy.read()!.slots[0]!.pids, [peer.pid])
  })

  it('names who writes', async (t) => {
    const b = bench(t)
    assert.equal(b.anatomy.read()!.writerPid, null)
    const peer = await startPeer(t, b.path)
    await peer.ask('BEGIN IMMEDIATE')
    assert.equal(b.anatomy.read()!.writerPid, peer.pid)
    await peer.ask('COMMIT')
    assert.equal(b.anatomy.read()!.writerPid, null)
    b.writer.exec('BEGIN IMMEDIATE')
    assert.equal(b.anatomy.read()!.writerPid, process.pid)
  })

  it('names who checkpoints, and does not take it for a reader', async (t) => {
    const b = bench(t)
    b.write()
    const reader = b.pinned()
    const peer = await startPeer(t, b.path)
    await peer.ask('PRAGMA busy_timeout = 100000')
    const restarted = peer.ask('PRAGMA wal_checkpoint(RESTART)')
    await until(() => b.anatomy.read()!.checkpointerPid === peer.pid)
    const { slots } = b.anatomy.read()!
    assert.deepEqual([...new Set(slots.flatMap(({ pids }) => pids))], [process.pid])
    reader.close()
    assert.equal(await restarted, 0)
    assert.equal(b.anatomy.read()!.checkpointerPid, null)
  })

  it('says nothing when no connection of this process has the log open', (t) => {
    const b = bench(t)
    b.write()
    assert.notEqual(b.anatomy.read(), null)
    b.writer.close()
    assert.deepEqual([b.anatomy.index(), b.anatomy.read()], [null, null])
    assert.equal(b.anatomy.isAvailable, true)
  })

  it('says nothing about a database without a log', (t) => {
    const path = tempDatabase(t)
    const database = new Database(path)
    t.after(() => database.close())
    database.exec('CREATE TABLE entry (body)')
    const anatomy = new WALAnatomy(path)
    t.after(() => anatomy.close())
    assert.deepEqual([anatomy.index(), anatomy.read()], [null, null])
  })

  it('says nothing after close', (t) => {
    const b = bench(t)
    b.write()
    b.anatomy.close()
    b.anatomy.close()
    assert.deepEqual([b.anatomy.index(), b.anatomy.read()], [null, null])
    assert.equal(b.anatomy.isAvailable, false)
  })
})

describe('WALAnatomy, while others go on', { skip }, () => {
  /** Reads once; `meanwhile` happens between each look at the locks and the next look at the index. */
  function readWhile(
    t: Cleanup,
    { path }: Bench,
    meanwhile: (attempt: number) => unknown,
  ): { readonly reading: AnatomyReading | null; readonly attempts: number } {
    let attempts = 0
    const anatomy = new WALAnatomy(path, (file) => {
      const locks = readFileLocks(file)
      attempts += 1
      meanwhile(attempts)
      return locks
    })
    t.after(() => anatomy.close())
    return { reading: anatomy.read(), attempts }
  }

  it('looks once at what stays as it is', (t) => {
    const b = bench(t)
    const frame = b.write()
    b.pinned()
    const { reading, attempts } = readWhile(t, b, () => undefined)
    assert.deepEqual([held(reading), attempts], [[[frame, process.pid]], 1])
  })

  it('looks again when a reader has come, and names it', (t) => {
    const b = bench(t)
    const frame = b.write()
    const { reading, attempts } = readWhile(t, b, (attempt) => attempt === 1 && b.pinned())
    assert.deepEqual([held(reading), attempts], [[[frame, process.pid]], 2])
  })

  it('looks again when the log has started over, even where its marks are as before', (t) => {
    const b = bench(t)
    const startOver = (): void => {
      b.writer.pragma('wal_checkpoint(RESTART)')
      b.write()
    }
    startOver()
    const before = b.anatomy.index()!
    const { reading, attempts } = readWhile(t, b, (attempt) => attempt === 1 && startOver())
    assert.deepEqual(reading!.index.readMarks, before.readMarks)
    assert.notDeepEqual(reading!.index.salts, before.salts)
    assert.equal(attempts, 2)
  })

  it('does not look again for a commit, which moves nobody', (t) => {
    const b = bench(t)
    const frame = b.write()
    b.pinned()
    const { reading, attempts } = readWhile(t, b, () => b.write())
    assert.equal(reading!.index.frames, frame + 1)
    assert.deepEqual([held(reading), attempts], [[[frame, process.pid]], 1])
  })

  it('takes the third look where readers come all the time', (t) => {
    const b = bench(t)
    const frame = b.write()
    const { reading, attempts } = readWhile(t, b, () => {
      b.pinned()
      b.write()
    })
    assert.deepEqual(
      [held(reading), attempts],
      [
        [
          [frame, process.pid],
          [frame + 1, process.pid],
        ],
        3,
      ],
    )
  })

  it('says nothing when the log has gone', (t) => {
    const b = bench(t)
    b.write()
    assert.equal(readWhile(t, b, () => b.writer.close()).reading, null)
  })
})

describe('describeReading', () => {
  const index = parseWALIndex(indexBytes())!
  const lock = (
    byte: number,
    pid: number | null,
    { isExclusive = false, lastByte = byte } = {},
  ): FileLock => ({ firstByte: byte, lastByte, pid, isExclusive })

  it('has five slots, of which the first sees no frame, and nobody in them', () => {
    const { slots, writerPid, checkpointerPid } = describeReading(index, [])
    assert.deepEqual(
      slots.map(({ frame }) => frame),
      [0, 3, 7, null, null],
    )
    assert.ok(slots.every(({ pids, hasHiddenHolder }) => pids.length === 0 && !hasHiddenHolder))
    assert.deepEqual([writerPid, checkpointerPid], [null, null])
  })

  it('gives the first slot no frame, whatever is noted there', () => {
    const noted = { ...index, readMarks: [9, 3, 7, null, null] }
    assert.equal(describeReading(noted, []).slots[0]!.frame, 0)
  })

  it('sees a holder of whom nobody knows who it is', () => {
    const { slots, writerPid } = describeReading(index, [
      lock(124, null),
      lock(124, 7),
      lock(120, null, { isExclusive: true }),
    ])
    assert.deepEqual(slots[1], { slot: 1, frame: 3, pids: [7], hasHiddenHolder: true })
    assert.equal(slots[2]!.hasHiddenHolder, false)
    assert.equal(writerPid, null)
  })

  it('takes a range of bytes for a lock on each of them', () => {
    const { slots } = describeReading(index, [
      lock(124, 7, { lastByte: 125 }),
      lock(127, 8, { lastByte: 128 }),
    ])
    assert.deepEqual(
      slots.map(({ pids }) => pids),
      [[], [7], [7], [], [8]],
    )
  })

  it('names a process once', () => {
    const { slots } = describeReading(index, [lock(124, 7), lock(124, 7)])
    assert.deepEqual(slots[1]!.pids, [7])
  })

  it('does not take whoever moves a mark for its reader', () => {
    const moving = lock(123, 7, { isExclusive: true, lastByte: 127 })
    const { slots } = describeReading(index, [moving])
    assert.ok(slots.every(({ pids }) => pids.length === 0))
  })

  it('tells who writes from who checkpoints', () => {
    const { writerPid, checkpointerPid } = describeReading(index, [
      lock(120, 7, { isExclusive: true }),
      lock(121, 8, { isExclusive: true }),
    ])
    assert.deepEqual([writerPid, checkpointerPid], [7, 8])
  })
})
