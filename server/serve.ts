import { createServer } from 'node:net'
import { once } from 'node:events'
import { instrumentPool } from '../telemetry/otel/instrument.ts'
import { captureTrace, isTraceKept } from '../telemetry/otel/trace-ref.ts'
import type { Telemetry } from '../telemetry/sdk.ts'
import { buildApp, type App } from './app.ts'
import type { Config } from './config.ts'
import { ConnectionPool } from './connection-pool.ts'
import { EXIT, StartError } from './exit-code.ts'
import type { LateLog } from './late-log.ts'
import { prepareProducts } from './products/prepare.ts'
import { shutDown } from './shutdown.ts'

export interface RunningServer {
  /** For the terminal: where it is, and the link to the dashboard. */
  readonly announcement: string
  /** Whether a connection is inside SQLite, where nothing can interrupt it. */
  isInStatement(): boolean
  stop(budgetMs: number): Promise<void>
}

/**
 * Starts everything: the pool, its database, the HTTP server.
 *
 * @throws {StartError} with what to exit with; nothing is left open then.
 */
export async function serve(
  config: Config,
  { telemetry, log }: { readonly telemetry: Telemetry | null; readonly log: LateLog },
): Promise<RunningServer> {
  // Before the database: a second start by mistake must not touch it.
  await assertAddressFree(config.http)
  const pool = new ConnectionPool(config.pool, isTraceKept() ? { captureTrace } : {})
  instrumentPool(pool.view, (sink) => pool.onEvent(sink))
  // Threads start while the routes are put together.
  const opening = openDatabase(pool)
  const app = await ready(buildApp(config, pool), opening)
  log.attach(app.http.log)
  try {
    await opening
    await listen(app, config.http)
  } catch (error) {
    await app.http.close()
    await pool.close({ timeoutMs: 0 })
    throw error
  }
  return {
    announcement: announce(app, config),
    isInStatement: () => pool.connections().some((connection) => connection.isRunning),
    stop: (budgetMs) => shutDown({ http: app.http, pool, telemetry, budgetMs }),
  }
}

/** The app; whatever becomes of the opening is heard later, and is never unhandled. */
function ready(app: Promise<App>, opening: Promise<void>): Promise<App> {
  opening.catch(() => undefined)
  return app
}

async function openDatabase(pool: ConnectionPool): Promise<void> {
  try {
    await pool.open()
    await prepareProducts(pool)
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    throw new StartError(EXIT.databaseUnusable, `DATABASE_PATH cannot be used: ${said}`, {
      cause: error,
    })
  }
}

async function assertAddressFree({ host, port }: Config['http']): Promise<void> {
  if (port === 0) return
  const probe = createServer()
  try {
    probe.listen({ host, port })
    await once(probe, 'listening')
  } catch (error) {
    throw addressUnusable(error, { host, port })
  }
  probe.close()
  await once(probe, 'close')
}

async function listen({ http }: App, { host, port }: Config['http']): Promise<void> {
  try {
    await http.listen({ host, port, listenTextResolver: (address) => `listening on ${address}` })
  } catch (error) {
    throw addressUnusable(error, { host, port })
  }
}

function addressUnusable(
  error: unknown,
  { host, port }: Pick<Config['http'], 'host' | 'port'>,
): StartError {
  const code = (error as NodeJS.ErrnoException).code ?? String(error)
  const reasons: Record<string, string> = {
    EADDRINUSE: 'another process listens there already; set PORT to another, or to 0 for any',
    EACCES: 'this user may not listen there; set PORT to one above 1023',
    EADDRNOTAVAIL: 'this machine has no such address; set HOST to one of its own',
  }
  return new StartError(
    EXIT.addressUnusable,
    `cannot listen on ${host}, port ${port}: ${reasons[code] ?? code}`,
    { cause: error },
  )
}

function announce({ http, linkToken }: App, { http: { host, tls } }: Config): string {
  const address = http.server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const name = host.includes(':') ? `[${host}]` : host
  const origin = `${tls === null ? 'http' : 'https'}://${name}:${port}`
  return linkToken === null
    ? `Dashboard: ${origin}/dashboard/ (log in with ADMIN_TOKEN)`
    : `Dashboard: ${origin}/dashboard/#token=${linkToken}`
}
