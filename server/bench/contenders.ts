import { EventBus } from '../../telemetry/event-bus.ts'
import { captureTrace, isTraceKept } from '../../telemetry/otel/trace-ref.ts'
import { PoolStats } from '../../telemetry/stats.ts'
import { systemClock } from '../pool/clock.ts'
import type { Lease } from '../pool/lease.ts'
import { resolvePoolOptions } from '../pool/options.ts'
import { Pool } from '../pool/pool.ts'
import { ScriptedDatabase } from '../testing/scripted-connection.ts'
import { WAIT_LIMIT_MS, type Contender, type OpenContender } from './contender.ts'
import { peers } from './peers.ts'

/**
 * Who is measured, by name: ours, the pools of others, and the floor, which is nobody's peer. Each gets `size`
 * connections that are open from the start and cost nothing, and the same wait limit.
 */
export const contenders: Readonly<Record<string, OpenContender>> = {
  glasspool: openGlasspool,
  ...peers,
  bare: openBare,
}

/** As `createPool` makes it, on connections that cost nothing; the look for leaks is off, as no peer has one. */
async function openGlasspool(size: number): Promise<Contender> {
  const pool = new Pool({
    options: resolvePoolOptions({
      path: 'bench.sqlite',
      size: size + 1,
      minReaders: size,
      acquireTimeoutMs: WAIT_LIMIT_MS,
      leakThresholdMs: 0,
    }),
    stats: new PoolStats({
      name: 'bench',
      namespace: 'bench.sqlite',
      maxWaiters: 100_000,
      readers: { min: size, max: size },
    }),
    observer: new EventBus(isTraceKept() ? { captureTrace } : {}),
    clock: systemClock,
    open: new ScriptedDatabase().open,
  })
  await pool.open()
  const contender: Contender<Lease> = {
    acquire: () => pool.acquire(),
    release: (lease) => lease.release(),
    close: () => pool.close(),
  }
  return contender as Contender
}

/**
 * The floor: an array of connections, a queue, direct hand-off, and nothing else. No deadline, no lease, no
 * number is kept. Nobody can use it, and nobody can be much faster.
 */
async function openBare(size: number): Promise<Contender> {
  const idle: object[] = Array.from({ length: size }, () => ({}))
  // A ring by hand: `shift()` of a long array copies it.
  const waiters: ((connection: object) => void)[] = []
  let head = 0
  const contender: Contender<object> = {
    async acquire() {
      const connection = idle.pop()
      return connection ?? new Promise((resolve) => waiters.push(resolve))
    },
    release(connection) {
      const next = waiters[head]
      if (next === undefined) return void idle.push(connection)
      head += 1
      if (head === 4096) head = waiters.splice(0, head).length - head
      next(connection)
    },
    async close() {},
  }
  return contender as Contender
}
