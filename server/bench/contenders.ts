import { EventBus } from '../../telemetry/event-bus.ts'
import { captureTrace } from '../../telemetry/otel/trace-ref.ts'
import { PoolStats } from '../../telemetry/stats.ts'
import { systemClock } from '../pool/clock.ts'
import type { Lease } from '../pool/lease.ts'
import { Pool } from '../pool/pool.ts'
import { ScriptedDatabase } from '../testing/scripted-connection.ts'

/** A pool as the acquire benchmark sees it. */
export interface Contender<L = unknown> {
  acquire(): Promise<L>
  release(lease: L): Promise<void> | void
  close(): Promise<void>
}

/**
 * Who is measured, by name; another pool joins with one entry. Each gets `size` connections that are open from
 * the start and cost nothing, and a wait limit of 30 s, as a service would set one.
 */
export const contenders: Readonly<Record<string, (size: number) => Promise<Contender>>> = {
  glasspool: openGlasspool,
  bare: openBare,
}

/** Leases, statistics and the look for an active trace are on, the look for leaks is off. */
async function openGlasspool(size: number): Promise<Contender> {
  const pool = new Pool({
    options: { acquireTimeoutMs: 30_000, idleTimeoutMs: 60_000, leakThresholdMs: 0 },
    stats: new PoolStats({
      name: 'bench',
      namespace: 'bench.sqlite',
      maxWaiters: 100_000,
      readers: { min: size, max: size },
    }),
    observer: new EventBus({ captureTrace }),
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
