/**
 * Lives until it is killed: a pool under a writer of several tables, two of one-shot statements and a reader, with
 * every kind of checkpoint in turn. It says what was acknowledged to it, and when it begins what it is to be killed in.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { CheckpointMode } from '../../../../telemetry/stats.ts'
import { Random } from '../../../random.ts'
import { LimitedPool, LOW_LIMITS } from './limited-pool.ts'
import type { VictimOrder } from './moments.ts'
import { order, tell } from './tell.ts'

/** Blobs that are all written anew make a log that takes a checkpoint some time. */
const BALLAST = { rows: 40, sizeBytes: 256 * 1024 } as const
const MODES = ['PASSIVE', 'FULL', 'RESTART', 'TRUNCATE'] as const

const { path, seed, moment } = order<VictimOrder>()
const random = new Random(seed)
const never = new Promise<never>(() => undefined)
/** The backlog is there: what begins now is what was asked for. */
let isReady = false

/** A reader keeps what begins from ending until its budget is spent. */
const isHeldUp = moment.endsWith(' held up')
const mode = moment.split(' ')[0]

const pool = new LimitedPool({ path, size: 4 }, moment === 'any' ? LOW_LIMITS : {}, {
  pass: (passMode, state) => {
    if (isReady && passMode === mode) tell(`${state} ${moment}`)
  },
  gate: async () => {
    if (!isReady || moment !== 'gate') return
    tell('begins gate')
    await never
  },
  checkpoint: ({ mode: done, trigger, outcome }) =>
    tell(`checkpoint ${done} ${trigger} ${outcome}`),
})
await pool.open()

await pool.transaction(async (db) => {
  await db.exec(`
    CREATE TABLE IF NOT EXISTS purchase (id INTEGER PRIMARY KEY, note TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS purchase_by_note ON purchase (note);
    CREATE TABLE IF NOT EXISTS item (
      id INTEGER PRIMARY KEY,
      purchase_id INTEGER NOT NULL REFERENCES purchase (id),
      note TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS item_by_purchase ON item (purchase_id);
    CREATE TABLE IF NOT EXISTS tally (purchases INTEGER NOT NULL, items INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS single (id INTEGER PRIMARY KEY, note TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS ballast (id INTEGER PRIMARY KEY, n INTEGER NOT NULL, body BLOB NOT NULL);
  `)
  await db.run('INSERT INTO tally SELECT 0, 0 WHERE NOT EXISTS (SELECT * FROM tally)')
})
const newest = await pool.get<{ id: number }>('SELECT coalesce(max(id), 0) AS id FROM purchase')

const note = (): string => 'x'.repeat(random.between(10, 900))

async function purchases(): Promise<void> {
  for (let id = newest!.id + 1; ; id += 1) {
    const itemCount = random.between(1, 4)
    await pool.transaction(async (db) => {
      await db.run('INSERT INTO purchase VALUES (?, ?)', [id, note()])
      for (let i = 0; i < itemCount; i += 1) {
        await db.run('INSERT INTO item (purchase_id, note) VALUES (?, ?)', [id, note()])
      }
      await db.run('UPDATE tally SET purchases = purchases + 1, items = items + ?', [itemCount])
    })
    tell(`purchase ${id}`)
  }
}

async function singles(): Promise<void> {
  for (;;) {
    const { lastInsertRowid } = await pool.run('INSERT INTO single (note) VALUES (?)', [note()])
    tell(`single ${Number(lastInsertRowid)}`)
  }
}

async function reads(): Promise<void> {
  for (;;) {
    const row = await pool.get(`
      SELECT purchases = (SELECT count(*) FROM purchase) AND items = (SELECT count(*) FROM item) AS agrees
      FROM tally`)
    if (row?.['agrees'] !== 1) tell('wrong a reader saw half of a transaction')
    await sleep(1)
  }
}

async function checkpoints(): Promise<void> {
  for (let i = 0; ; i += 1) {
    await pool.wal.checkpoint(MODES[i % MODES.length])
    await sleep(random.below(60))
  }
}

async function backlog(): Promise<void> {
  const n = random.between(1, 255)
  const body = Buffer.alloc(BALLAST.sizeBytes, n)
  await pool.transaction(async (db) => {
    await db.run('DELETE FROM ballast')
    for (let i = 0; i < BALLAST.rows; i += 1) {
      await db.run('INSERT INTO ballast (n, body) VALUES (?, ?)', [n, body])
    }
  })
}

async function toTheMoment(): Promise<void> {
  pool.wal.stopAutoCheckpoint()
  await backlog()
  isReady = true
  if (moment === 'close') {
    tell('begins close')
    await pool.close()
    tell('ended close')
    return
  }
  if (isHeldUp)
    await pool.snapshot({ maxAgeMs: 60_000 }).then((lease) => lease.get('SELECT * FROM tally'))
  await pool.wal.checkpoint(mode === 'gate' ? 'RESTART' : (mode as CheckpointMode), {
    budgetMs: 20_000,
  })
}

// When the pool closes they are refused, and that is the end of them.
const untilRefused = (work: Promise<void>): void =>
  void work.catch((error: unknown) => {
    if (moment !== 'close') tell(`wrong ${String(error)}`)
  })
untilRefused(purchases())
untilRefused(singles())
untilRefused(singles())
untilRefused(reads())
tell('ready')
untilRefused(moment === 'any' ? checkpoints() : toTheMoment())
