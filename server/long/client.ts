import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ConnectionPool } from '../connection-pool.ts'
import type { Lease } from '../pool/lease.ts'
import type { Random } from '../random.ts'
import type { Ledger } from './ledger.ts'

const INSERT = 'INSERT INTO entry (token, note) VALUES (?, ?)'
/** Runs for a tenth of a second and more if nobody stops it. */
const SLOW =
  'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT sum(i) FROM n'
const MINE = new Error('mine')

/** What the clients of one pool share. */
export interface Stage {
  readonly pool: ConnectionPool
  readonly ledger: Ledger
  readonly random: Random
  /** How often each outcome came. */
  readonly outcomes: Map<string, number>
  /** Names of the calls that have not been settled yet. */
  readonly open: Map<number, string>
  isOver: boolean
}

type Action = (stage: Stage, signal: AbortSignal | undefined) => Promise<unknown>

const insert = (db: Lease, token: number): Promise<unknown> => db.run(INSERT, [token, 'x'])

/** Runs a write, and notes what its caller was told. */
async function noted(
  { ledger }: Stage,
  tokens: readonly number[],
  write: () => Promise<unknown>,
): Promise<void> {
  try {
    await write()
  } catch (error) {
    if (error === MINE) ledger.undid(tokens)
    else ledger.failed(tokens, error)
    throw error
  }
  ledger.wrote(tokens)
}

/** Everything a caller can do, by name. */
const ACTIONS: Record<string, Action> = {
  get: ({ pool }, signal) => pool.get('SELECT count(*) AS n FROM entry', [], withSignal(signal)),
  all: ({ pool }, signal) => pool.all('SELECT * FROM entry LIMIT 50', [], withSignal(signal)),
  run: (stage, signal) => {
    const token = stage.ledger.next()
    const { pool } = stage
    return noted(stage, [token], () => pool.run(INSERT, [token, 'x'], withSignal(signal)))
  },
  batch: (stage, signal) => {
    const tokens = [stage.ledger.next(), stage.ledger.next()]
    const statements = tokens.map((token) => ({ sql: INSERT, args: [token, 'x'] }))
    return noted(stage, tokens, () => stage.pool.batch(statements, withSignal(signal)))
  },
  transaction: (stage, signal) => {
    const tokens = [stage.ledger.next(), stage.ledger.next(), stage.ledger.next()]
    const isThrowing = stage.random.below(4) === 0
    const transaction = async (db: Lease): Promise<void> => {
      for (const token of tokens) await insert(db, token)
      if (isThrowing) throw MINE
    }
    return noted(stage, tokens, () => stage.pool.transaction(transaction, withSignal(signal)))
  },
  nested: (stage, signal) => {
    const [outer, inner] = [stage.ledger.next(), stage.ledger.next()]
    const transaction = async (db: Lease): Promise<void> => {
      await insert(db, outer)
      const undone = db.transaction(async (nested) => {
        await insert(nested, inner)
        throw MINE
      })
      await undone.catch((error: unknown) => {
        if (error !== MINE) throw error
      })
      // Whatever becomes of the whole, this part of it was rolled back.
      stage.ledger.undid([inner])
    }
    return noted(stage, [outer], () => stage.pool.transaction(transaction, withSignal(signal)))
  },
  'read what was written': async (stage, signal) => {
    const token = stage.ledger.next()
    const { pool } = stage
    await noted(stage, [token], () => pool.run(INSERT, [token, 'x'], withSignal(signal)))
    const sql = 'SELECT token FROM entry WHERE token = ?'
    assert.deepEqual(await pool.get(sql, [token]), { token }, 'a write is seen by the next read')
  },
  'one moment': ({ pool }, signal) =>
    pool.read(async (db) => {
      const sql = 'SELECT count(*) AS n FROM entry'
      const before = await db.get(sql)
      await sleep(1)
      assert.deepEqual(await db.get(sql), before, 'everything in a read is of one moment')
    }, withSignal(signal)),
  iterate: ({ pool, random }, signal) => {
    const rowCount = random.below(300)
    return pool.withConnection(async (db) => {
      let seen = 0
      for await (const _ of db.prepare('SELECT * FROM entry').iterate()) {
        seen += 1
        if (seen > rowCount) break
      }
    }, withSignal(signal))
  },
  'slow statement': ({ pool, random }, signal) =>
    pool.get(SLOW, [random.between(1000, 400_000)], {
      ...withSignal(signal),
      mode: random.below(3) === 0 ? 'write' : 'read',
    }),
  'lease of its own': async ({ pool, random }, signal) => {
    const lease = await pool.acquire({
      ...withSignal(signal),
      timeoutMs: random.pick([0, 1, 2, 1000]),
      mode: random.pick(['read', 'write']),
      priority: random.between(-2, 2),
    })
    if (random.below(3) === 0) await lease.exec('BEGIN').catch(() => undefined)
    if (random.below(3) === 0) await sleep(random.below(4))
    await (random.below(8) === 0 ? lease.destroy() : lease.release())
  },
  'lease at once': async ({ pool, random }) => {
    const lease = pool.tryAcquire({ mode: random.pick(['read', 'write']) })
    await lease?.release()
  },
  'statement cancelled, then released': async ({ pool }) => {
    const controller = new AbortController()
    const { signal } = controller
    const lease = await pool.acquire({ timeoutMs: 1000 })
    const stopped = lease.get(SLOW, [1_000_000], { signal })
    setImmediate(() => controller.abort())
    await stopped.catch(() => undefined)
    await lease.release()
  },
}

function withSignal(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal }
}

let callCount = 0

/** One caller after the other, until the stage is over. Failures are counted; a broken promise of the pool is thrown. */
export async function client(stage: Stage): Promise<void> {
  const { random, open, outcomes } = stage
  const names = Object.keys(ACTIONS)
  while (!stage.isOver) {
    const name = random.pick(names)
    const controller = random.below(3) === 0 ? new AbortController() : undefined
    const timer =
      controller === undefined
        ? undefined
        : setTimeout(() => controller.abort(), random.below(25)).unref()
    callCount += 1
    const number = callCount
    open.set(number, name)
    let outcome = `${name}: ok`
    try {
      await ACTIONS[name]!(stage, controller?.signal)
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error
      outcome = nameOf(error)
    }
    open.delete(number)
    clearTimeout(timer)
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    // Who is refused at once does not come back at once.
    await (outcome.endsWith(': ok') ? new Promise((resolve) => setImmediate(resolve)) : sleep(5))
  }
}

function nameOf(error: unknown): string {
  const { code, name, message } = error as { code?: unknown; name: string; message: string }
  if (error === MINE) return 'mine'
  return typeof code === 'string' ? code : name === 'AbortError' ? name : `${name}: ${message}`
}
