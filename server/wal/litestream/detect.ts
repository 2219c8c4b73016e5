import { readdir, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { findLitestream } from './process.ts'

export { isLitestreamCommand } from './process.ts'

/** Litestream keeps these two in the user's database, and never removes them. */
export const LITESTREAM_TABLES = ['_litestream_seq', '_litestream_lock'] as const

/** What points to a Litestream on a database, now or once. */
export interface LitestreamSigns {
  /** One of its tables is in the database; `null`: nobody was there to ask. */
  readonly hasTables: boolean | null
  /** Its folder beside the file, `.<name>-litestream`; `null`: there is none, or it was configured elsewhere. */
  readonly directory: string | null
  /** Epoch ms of the newest write in that folder; `null` without one. */
  readonly lastWrittenAtMs: number | null
  /** Of the Litestream that has the database open; `null`: none is seen from here. */
  readonly pid: number | null
  /** Whether it runs now, by `isLive`; `null`: it cannot be told. */
  readonly isLive: boolean | null
}

export interface LitestreamTraces {
  readonly pid: number | null
  /** Epoch ms; `null`: there is no folder of its own. */
  readonly lastWrittenAtMs: number | null
  /** Epoch ms of the newest write to the database or its log. */
  readonly databaseWrittenAtMs: number | null
}

export interface DetectLitestreamOptions {
  /** Whether one of these tables exists. Asked through a connection that is open already. */
  readonly hasTable?: (names: readonly string[]) => boolean | Promise<boolean>
  /** Epoch ms. *Default*: now. */
  readonly nowEpochMs?: number
  /** *Default*: by the process table. */
  readonly findProcess?: (path: string) => Promise<number | null>
}

/** It looks once a second by default, and keeps what it saw in its folder. */
const FRESH_MS = 5 * 60_000
const FOLLOWS_WITHIN_MS = 60_000

/**
 * Looks for Litestream on a database: its tables, its folder, its process. `null`: no sign of it. Opens no file of
 * the database. Never rejects.
 */
export async function detectLitestream(
  path: string,
  options: DetectLitestreamOptions = {},
): Promise<LitestreamSigns | null> {
  const { hasTable, nowEpochMs = Date.now(), findProcess = findLitestream } = options
  const [hasTables, folder, pid, databaseWrittenAtMs] = await Promise.all([
    hasTable === undefined ? null : ask(hasTable),
    findFolder(path),
    findProcess(path).catch(() => null),
    newestOf([path, `${path}-wal`]),
  ])
  if (hasTables !== true && folder === null && pid === null) return null
  const lastWrittenAtMs = folder === null ? null : await newestWithin(folder)
  const traces = { pid, lastWrittenAtMs, databaseWrittenAtMs }
  return { hasTables, directory: folder, lastWrittenAtMs, pid, isLive: isLive(traces, nowEpochMs) }
}

/**
 * What tells a Litestream that runs from what one has left behind, in this order:
 *
 * 1. a Litestream process has the database open: it runs;
 * 2. its folder was written in the last five minutes: it runs, or has just ended;
 * 3. the database was written a minute ago or longer and the folder has not followed within a minute: it does not run;
 * 4. otherwise it cannot be told: both are quiet (0.5 writes nothing then), or the folder lies elsewhere.
 */
export function isLive(traces: LitestreamTraces, nowEpochMs: number): boolean | null {
  const { pid, lastWrittenAtMs, databaseWrittenAtMs } = traces
  if (pid !== null) return true
  if (lastWrittenAtMs === null) return null
  if (nowEpochMs - lastWrittenAtMs <= FRESH_MS) return true
  if (databaseWrittenAtMs === null) return null
  const hadTime = nowEpochMs - databaseWrittenAtMs > FOLLOWS_WITHIN_MS
  return hadTime && databaseWrittenAtMs - lastWrittenAtMs > FOLLOWS_WITHIN_MS ? false : null
}

async function ask(
  hasTable: NonNullable<DetectLitestreamOptions['hasTable']>,
): Promise<boolean | null> {
  try {
    return await hasTable(LITESTREAM_TABLES)
  } catch {
    return null
  }
}

/** It names the folder by the path that it was given, which may be a link to the file or the file itself. */
async function findFolder(path: string): Promise<string | null> {
  const names = new Set([resolve(path), await realpath(path).catch(() => resolve(path))])
  for (const name of names) {
    const folder = join(dirname(name), `.${basename(name)}-litestream`)
    const found = await stat(folder).catch(() => null)
    if (found?.isDirectory() === true) return folder
  }
  return null
}

/**
 * The newest write below a folder. Its files are numbered and the last one is written, so of each folder we look at
 * that one and at the folder: there may be thousands.
 */
async function newestWithin(folder: string, depth = 4): Promise<number | null> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const folders = entries.filter((entry) => entry.isDirectory())
  const lastFile = entries
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort()
    .at(-1)
  const here = await newestOf([folder, ...(lastFile === undefined ? [] : [join(folder, lastFile)])])
  if (depth === 0) return here
  const below = await Promise.all(
    folders.map(({ name }) => newestWithin(join(folder, name), depth - 1)),
  )
  return newest([here, ...below])
}

const newestOf = async (paths: readonly string[]): Promise<number | null> =>
  newest(
    await Promise.all(
      paths.map((path) =>
        stat(path).then(
          ({ mtimeMs }) => mtimeMs,
          () => null,
        ),
      ),
    ),
  )

function newest(times: readonly (number | null)[]): number | null {
  const known = times.filter((time) => time !== null)
  return known.length === 0 ? null : Math.max(...known)
}
