import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import Database from 'better-sqlite3'
import { WalStats } from '../../telemetry/stats.ts'
import { tempDatabase } from '../testing/temp-db.ts'
import { WALProbe } from './probe.ts'

interface Cleanup {
  after(fn: () => void): void
}

interface Bench {
  readonly path: string
  readonly writer: Database.Database
  readonly stats: WalStats
  readonly probe: WALProbe
  connect(options?: Database.Options): Database.Database
}

function bench(t: Cleanup, journalMode = 'wal'): Bench {
  const path = tempDatabase(t)
  const opened: Database.Database[] = []
  const connect: Bench['connect'] = (options) => {
    const database = new Database(path, options)
    database.pragma('wal_autocheckpoint = 0')
    opened.push(database)
    return database
  }
  const writer = connect()
  writer.pragma(`journal_mode = ${journalMode}`)
  const stats = new WalStats()
  const probe = new WALProbe(path, stats)
  t.after(() => {
    probe.close()
    for (const database of opened) database.close()
  })
  return { path, writer, stats, probe, connect }
}

const fill = (writer: Database.Database, count: number): void => {
  writer.exec('CREATE TABLE IF NOT EXISTS entries (body)')
  for (let i = 0; i < count; i += 1) writer.exec('INSERT INTO entries VALUES (randomblob(3000))')
}

const frames = ({ stats }: Bench): (number | null)[] => [stats.frames, stats.backfilledFrames]

describe('WALProbe', () => {
  it('says unknown, not zero, before the first sample', (t) => {
    assert.deepEqual(frames(bench(t)), [null, null])
  })

  it('sees an empty log before the first transaction', async (t) => {
    const b = bench(t)
    b.probe.open()
    await b.probe.sample(5)
    assert.deepEqual(frames(b), [0, 0])
    assert.equal(b.stats.journalMode, 'wal')
    assert.equal(b.stats.pageSizeBytes, 4096)
    assert.equal(b.stats.probedAtMs, 5)
    assert.equal(b.stats.unknownProbes, 0)
  })

  it('has no frames to tell when the database has no log', async (t) => {
    const b = bench(t, 'delete')
    fill(b.writer, 1)
    b.probe.open()
    await b.probe.sample(0)
    assert.deepEqual(frames(b), [null, null])
    assert.equal(b.stats.journalMode, 'delete')
    assert.equal(b.stats.sizeBytes, 0)
    assert.ok(b.stats.databaseSizeBytes! > 0)
  })

  it('follows the log through PASSIVE behind a pin, RESTART and TRUNCATE', async (t) => {
    const b = bench(t)
    fill(b.writer, 50)
    b.probe.open()
    const reader = b.connect({ readonly: true })
    reader.exec('BEGIN')
    reader.prepare('SELECT count(*) FROM entries').get()
    await b.probe.sample(0)
    const pinned = b.stats.frames!
    assert.ok(pinned > 50)
    assert.equal(b.stats.backfilledFrames, 0)

    fill(b.writer, 50)
    b.writer.pragma('wal_checkpoint(PASSIVE)')
    await b.probe.sample(0)
    const total = b.stats.frames!
    assert.ok(total > pinned)
    assert.equal(b.stats.backfilledFrames, pinned)
    assert.equal(b.stats.sizeBytes, 32 + total * (4096 + 24))

    reader.exec('ROLLBACK')
    b.writer.pragma('wal_checkpoint(RESTART)')
    await b.probe.sample(0)
    assert.deepEqual(frames(b), [total, total])

    fill(b.writer, 1)
    await b.probe.sample(0)
    assert.ok(b.stats.frames! < 10)
    assert.equal(b.stats.backfilledFrames, 0)
    assert.equal(b.stats.sizeBytes, 32 + total * (4096 + 24))

    b.writer.pragma('wal_checkpoint(TRUNCATE)')
    await b.probe.sample(0)
    assert.deepEqual(frames(b), [0, 0])
    assert.equal(b.stats.sizeBytes, 0)
  })

  it('does not count frames of a transaction that is still open', async (t) => {
    const b = bench(t)
    fill(b.writer, 1)
    b.probe.open()
    await b.probe.sample(0)
    const before = b.stats.frames
    b.writer.pragma('cache_size = 5')
    b.writer.exec('BEGIN')
    fill(b.writer, 100)
    await b.probe.sample(0)
    assert.equal(b.stats.frames, before)
    assert.ok(b.stats.sizeBytes! > 50 * 4096, 'the file has the frames already')
  })

  it('moves no frame, however often it is asked', async (t) => {
    const b = bench(t)
    fill(b.writer, 20)
    b.probe.open()
    const databaseSizeBytes = await b.probe.sample(0).then(() => b.stats.databaseSizeBytes)
    for (let i = 0; i < 1000; i += 1) await b.probe.sample(i)
    assert.equal(b.stats.backfilledFrames, 0)
    assert.equal(b.stats.databaseSizeBytes, databaseSizeBytes)
  })

  it(
    'keeps what it knew when a writer was just publishing its header',
    { timeout: 60_000 },
    async (t) => {
      const b = bench(t)
      fill(b.writer, 20)
      b.probe.open()
      await b.probe.sample(0)
      const start = b.stats.frames!
      const stop = new Int32Array(new SharedArrayBuffer(4))
      const worker = new Worker(writerSource, { eval: true, workerData: { path: b.path, stop } })
      const exited = once(worker, 'exit')
      await once(worker, 'message')
      let lowest = start
      // About one probe in a hundred meets the writer in the act.
      while (b.stats.unknownProbes === 0) {
        await b.probe.sample(0)
        lowest = Math.min(lowest, b.stats.frames ?? -1)
      }
      Atomics.store(stop, 0, 1)
      await exited
      assert.equal(lowest, start)
    },
  )

  it('answers nothing, and does not throw, after close', async (t) => {
    const b = bench(t)
    b.probe.open()
    b.probe.close()
    await b.probe.sample(0)
    assert.deepEqual(frames(b), [null, null])
  })
})

/** Commits as fast as it can until told to stop. */
const writerSource = `
  const { parentPort, workerData } = require('node:worker_threads')
  const Database = require(${JSON.stringify(import.meta.resolve('better-sqlite3').replace('file://', ''))})
  const db = new Database(workerData.path)
  db.pragma('wal_autocheckpoint = 0')
  db.pragma('synchronous = OFF')
  const insert = db.prepare('INSERT INTO entries VALUES (1)')
  parentPort.postMessage('ready')
  while (Atomics.load(workerData.stop, 0) === 0) insert.run()
  db.close()
`
