import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PoolRig } from '../testing/pool-rig.ts'
import type { ScriptedConnection } from '../testing/scripted-connection.ts'
import { watch, type Watched } from '../testing/watched.ts'
import { CLOSE_GRACE_MS } from './closing.ts'
import type { PoolError } from './errors.ts'
import { RESET_LIMIT_MS } from './lane.ts'
import type { Lease } from './lease.ts'

/**
 * Whatever a connection does at each of its steps, nobody is forgotten: every combination of how opening, a
 * statement, BEGIN, a reset and closing can end, under callers who give up at different moments.
 *
 * After `managed_cancellation` of deadpool (Rust), which has a hook that validates a connection before it is handed
 * over. This pool has none: a local file needs none, and of a thread that has ended the pool is told. The statement
 * is in its place.
 */
const STEPS = ['open', 'statement', 'begin', 'reset', 'close'] as const
const WAYS = ['ok', 'error', 'slow', 'never'] as const

type Way = (typeof WAYS)[number]
type Ways = Record<(typeof STEPS)[number], Way>

const SLOW_MS = 100

function combinations(): Ways[] {
  let all: Partial<Ways>[] = [{}]
  for (const step of STEPS) all = all.flatMap((one) => WAYS.map((way) => ({ ...one, [step]: way })))
  return all as Ways[]
}

/** A connection whose steps go their ways. */
function script(rig: PoolRig, connection: ScriptedConnection, ways: Ways): void {
  // A call that is never answered ends with its connection.
  const closed = Promise.withResolvers<never>()
  closed.promise.catch(() => undefined)
  const go = async (step: (typeof STEPS)[number]): Promise<void> => {
    const way = ways[step]
    if (way === 'error') throw new Error(`${step} failed`)
    if (way === 'slow') await new Promise<void>((done) => rig.clock.setTimer(done, SLOW_MS))
    if (way === 'never') await (step === 'close' ? new Promise(() => undefined) : closed.promise)
  }
  before(connection, 'exec', (sql) => (String(sql).startsWith('BEGIN') ? go('begin') : undefined))
  before(connection, 'run', () => go('statement'))
  before(connection, 'all', () => go('statement'))
  before(connection, 'reset', () => go('reset'))
  const close = connection.close.bind(connection)
  connection.close = async () => {
    // It counts as closed from now on: nothing may be asked of it any more.
    await close()
    await go('close').finally(() => closed.reject(new Error('the connection failed')))
  }
}

/** Goes its way first. */
function before(
  connection: ScriptedConnection,
  name: 'exec' | 'run' | 'all' | 'reset',
  way: (sql: unknown) => Promise<void> | undefined,
): void {
  const call = connection[name].bind(connection) as (...args: unknown[]) => Promise<never>
  connection[name] = async (...args: unknown[]) => {
    await way(args[0])
    return call(...args)
  }
}

interface Caller {
  readonly name: string
  readonly end: Watched<unknown>
}

/** Two readers and a writer, and more callers than that; some have a deadline, some are aborted. */
function call(rig: PoolRig): Caller[] {
  const { pool } = rig
  const abortedAt = (ms: number): AbortSignal => {
    const controller = new AbortController()
    rig.clock.setTimer(() => controller.abort(), ms)
    return controller.signal
  }
  const never = (): AbortSignal => new AbortController().signal
  const holdFor = async (lease: Lease, ms: number): Promise<void> => {
    await new Promise<void>((done) => rig.clock.setTimer(done, ms))
    await lease.release().catch(() => undefined)
  }
  const dirty = async (timeoutMs: number): Promise<void> => {
    const lease = await pool.acquire({ timeoutMs, signal: never() })
    await lease.exec('BEGIN').catch(() => undefined)
    await holdFor(lease, 10)
  }
  const plain = async (options: object): Promise<void> =>
    await holdFor(await pool.acquire(options), 20)
  const callers: Record<string, () => Promise<unknown>> = {
    'first, with a deadline': () => plain({ timeoutMs: 300 }),
    'releases dirty': () => dirty(500),
    'aborted while it waits or holds': () =>
      plain({ timeoutMs: Number.POSITIVE_INFINITY, signal: abortedAt(150) }),
    'one statement': () => pool.all('SELECT', [], { timeoutMs: 500, signal: never() }),
    'one statement, aborted': () => pool.all('SELECT', [], { signal: abortedAt(50) }),
    'reads in a transaction': () => pool.read((db) => db.all('SELECT'), { signal: never() }),
    'writes in a transaction': () =>
      pool.transaction((db) => db.run('INSERT'), { signal: never(), timeoutMs: 2000 }),
    'writes in a transaction, aborted': () =>
      pool.transaction((db) => db.run('INSERT'), { signal: abortedAt(120) }),
    'writes behind all others': () => pool.run('INSERT', [], { signal: never() }),
    'a barrier': () => pool.barrier(async () => undefined, { timeoutMs: 1500, signal: never() }),
  }
  return Object.entries(callers).map(([name, begin]) => ({ name, end: watch(begin()) }))
}

/** What may come of a caller, beside a success. */
const CODES = new Set([
  'POOL_ACQUIRE_TIMEOUT',
  'POOL_CLOSED',
  'POOL_OPEN_FAILED',
  'STATEMENT_CANCELLED',
  'TRANSACTION_ENDED',
])

function assertExplained({ name, end }: Caller): void {
  if (end.state === 'fulfilled') return
  const error = end.error as Error & { readonly code?: string }
  const isOurs = CODES.has(String(error.code)) || error.name === 'AbortError'
  assert.ok(isOurs || error.message.endsWith(' failed'), `${name}: ${String(error)}`)
}

/** The first caller is served or not by the opening alone: everyone else is behind it. */
const FIRST: Record<Way, string> = {
  ok: 'fulfilled',
  slow: 'fulfilled',
  error: 'POOL_OPEN_FAILED',
  never: 'POOL_ACQUIRE_TIMEOUT',
}

async function play(ways: Ways): Promise<void> {
  const rig = await PoolRig.open({ readers: { min: 0, max: 2 }, acquireTimeoutMs: 1000 })
  const assertBounded = (): void => {
    for (const { size, max } of [rig.stats.reader, rig.stats.writer]) assert.ok(size <= max)
    rig.isHeldBack = true
    rig.assertInvariants()
  }
  // The writer is open: what happens to those that are opened from now on is what is played.
  script(rig, rig.writer, ways)
  rig.database.opening = () =>
    ways.open === 'ok' ? 'at once' : ways.open === 'error' ? new Error('open failed') : 'by hand'
  rig.onEvent = (event) => {
    assertBounded()
    if (event.type !== 'connection.opened') return
    script(
      rig,
      rig.database.connections.find(({ id }) => id === event.connectionId)!,
      ways,
    )
  }
  const callers = call(rig)
  const openSlow = (): void => {
    if (ways.open !== 'slow') return
    while (rig.database.pending.length > 0) rig.database.pending[0]!.succeed()
  }
  for (let step = 0; step < 30; step += 1) {
    await rig.advance(SLOW_MS)
    openSlow()
    assertBounded()
  }
  const [first] = callers
  const { state } = first!.end
  assert.equal(
    state === 'rejected' ? (first!.end.error as PoolError).code : state,
    FIRST[ways.open],
  )

  const closing = watch(rig.pool.close({ timeoutMs: SLOW_MS }))
  for (let step = 0; step * SLOW_MS < SLOW_MS + CLOSE_GRACE_MS; step += 1) {
    await rig.advance(SLOW_MS)
    openSlow()
    assertBounded()
  }
  if (closing.state === 'rejected') {
    assert.equal((closing.error as PoolError).code, 'POOL_CLOSE_TIMEOUT')
    assert.ok(ways.close === 'never' || ways.open === 'never', 'only what never ends is given up')
  } else assert.equal(closing.state, 'fulfilled')
  // What never opened comes now: nobody waits for it, and it must not stay.
  while (rig.database.pending.length > 0) rig.database.pending[0]!.succeed()
  await rig.advance(RESET_LIMIT_MS + SLOW_MS)

  for (const caller of callers) {
    // BEGIN cannot be stopped: nobody knows what became of it before its thread has ended.
    if (ways.begin === 'never' && ways.close === 'never' && caller.end.state === 'pending') continue
    assert.notEqual(caller.end.state, 'pending', `${caller.name} was forgotten`)
    assertExplained(caller)
  }
  const { reader, writer } = rig.stats
  for (const lane of [reader, writer]) {
    assert.deepEqual([lane.waiting, lane.acquired], [0, lane.released])
  }
  // A reader that never closes keeps the writer open, which comes after it.
  const isLeft = ways.close === 'never' && reader.closed.shutdown > 0
  const roles = rig.database.alive.map(({ role }) => role)
  assert.deepEqual(roles, isLeft ? ['writer'] : [])
  assert.equal(reader.size, 0)
  assert.equal(rig.clock.timerCount, 0)
}

describe('every way in which a connection can behave', () => {
  const all = combinations()

  it('is 4 to the power of 5', () => assert.equal(all.length, 1024))

  for (const open of WAYS) {
    for (const statement of WAYS) {
      it(`leaves nobody waiting: open ${open}, statement ${statement}, and everything else`, async () => {
        for (const ways of all) {
          if (ways.open !== open || ways.statement !== statement) continue
          try {
            await play(ways)
          } catch (error) {
            throw new Error(JSON.stringify(ways), { cause: error })
          }
        }
      })
    }
  }
})
