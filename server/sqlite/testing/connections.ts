import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Role } from '../../../telemetry/stats.ts'
import type { Connection } from '../../pool/connection.ts'
import { tempDatabase } from '../../testing/temp-db.ts'
import { openInlineConnection } from '../inline.ts'
import type { SqliteOptions } from '../options.ts'
import { openThreadConnection } from '../thread/client.ts'

export type Open = (role: Role, options: SqliteOptions) => Promise<Connection>

interface Cleanup {
  after(fn: () => void | Promise<void>): void
}

/** What a test of behaviour runs twice. */
export const executions: readonly { readonly name: string; readonly open: Open }[] = [
  { name: 'openInlineConnection', open: openInlineConnection },
  {
    name: 'openThreadConnection',
    open: (role, options) => openThreadConnection(role, options, null),
  },
]

/** The numbers from 1 to the argument, as `i`. */
export const COUNT_TO = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n`

export function sqliteOptions(path: string, overrides: Partial<SqliteOptions> = {}): SqliteOptions {
  return {
    path,
    durability: 'normal',
    busyTimeoutMs: 0,
    statementCacheSize: 200,
    cacheSizeBytes: 4 * 1024 * 1024,
    ...overrides,
  }
}

/** Connections to one fresh database, the writer first, all closed after the test. */
export async function openConnections(
  t: Cleanup,
  open: Open,
  roles: readonly Role[],
  overrides?: Partial<SqliteOptions>,
): Promise<Connection[]> {
  const options = sqliteOptions(tempDatabase(t), overrides)
  const connections: Connection[] = []
  t.after(async () => {
    for (const connection of connections.toReversed()) await connection.close()
  })
  for (const role of roles) connections.push(await open(role, options))
  return connections
}

export async function openWriter(
  t: Cleanup,
  open: Open,
  overrides?: Partial<SqliteOptions>,
): Promise<Connection> {
  const [connection] = await openConnections(t, open, ['writer'], overrides)
  return connection!
}

/** The interrupt extension, built into `directory`; `null` on a machine that cannot. */
export function buildInterrupt(directory: string): string | null {
  const script = join(import.meta.dirname, '..', 'interrupt', 'build.mjs')
  spawnSync(process.execPath, [script, directory], { stdio: 'ignore' })
  const library = join(directory, `interrupt-${process.platform}-${process.arch}.so`)
  return existsSync(library) ? library : null
}
