// Pools that others made, each set up alike, and otherwise as its package ships it:
// - connections are plain objects that cost nothing to open, and all of them are open before the first sample;
// - none is ever closed for being idle: min = max where the pool knows a minimum, else no idle timeout;
// - a wait limit, see WAIT_LIMIT_MS, and no limit to how many wait;
// - nothing is validated, no event is listened to, no connection has a lifetime.
import databases, { type PoolConnection } from '@databases/connection-pool'
import { createPool as createGenericPool } from 'generic-pool'
import PgPool from 'pg-pool'
import { Pool as TarnPool } from 'tarn'
import { WAIT_LIMIT_MS, type Contender, type OpenContender } from './contender.ts'

/** By name. */
export const peers: Readonly<Record<string, OpenContender>> = {
  databases: openDatabases,
  'generic-pool': openGenericPool,
  'pg-pool': openPgPool,
  tarn: openTarn,
}

async function openDatabases(size: number): Promise<Contender> {
  const pool = databases.default({
    maxSize: size,
    queueTimeoutMilliseconds: WAIT_LIMIT_MS,
    openConnection: async () => ({}),
    closeConnection: async () => {},
  })
  return opened<PoolConnection<object>>(size, {
    acquire: () => pool.getConnection(),
    release: (connection) => connection.release(),
    close: () => pool.drain(),
  })
}

async function openGenericPool(size: number): Promise<Contender> {
  const pool = createGenericPool<object>(
    { create: async () => ({}), destroy: async () => {} },
    { min: size, max: size, acquireTimeoutMillis: WAIT_LIMIT_MS },
  )
  return opened<object>(size, {
    acquire: () => pool.acquire(),
    release: (connection) => pool.release(connection),
    close: async () => {
      await pool.drain()
      await pool.clear()
    },
  })
}

async function openPgPool(size: number): Promise<Contender> {
  const pool = new PgPool({
    min: size,
    max: size,
    connectionTimeoutMillis: WAIT_LIMIT_MS,
    Client: CostlessClient as unknown as InstanceType<typeof PgPool>['Client'],
  })
  return opened<{ release(): void }>(size, {
    acquire: () => pool.connect(),
    release: (client) => client.release(),
    close: () => pool.end(),
  })
}

/**
 * What pg-pool asks of a client. A client of pg is an EventEmitter, and pg-pool puts a listener on it at each
 * release: here that costs nothing either, in pg-pool's favour.
 */
class CostlessClient {
  /** pg-pool throws a client away at its release that has it not. */
  readonly _queryable = true

  connect(done: () => void): void {
    done()
  }

  end(done?: () => void): void {
    done?.()
  }

  isConnected(): boolean {
    return true
  }

  on(): this {
    return this
  }

  once(): this {
    return this
  }

  removeListener(): this {
    return this
  }

  ref(): void {}

  unref(): void {}
}

async function openTarn(size: number): Promise<Contender> {
  const pool = new TarnPool<object>({
    min: size,
    max: size,
    acquireTimeoutMillis: WAIT_LIMIT_MS,
    create: async () => ({}),
    destroy: () => {},
  })
  return opened<object>(size, {
    acquire: () => pool.acquire().promise,
    release: (connection) => void pool.release(connection),
    close: async () => void (await pool.destroy()),
  })
}

/** `min` alone opens nothing in some of them, and none says the same way when it has. */
async function opened<L>(size: number, contender: Contender<L>): Promise<Contender> {
  const leases = await Promise.all(Array.from({ length: size }, () => contender.acquire()))
  for (const lease of leases) await contender.release(lease)
  return contender as Contender
}
