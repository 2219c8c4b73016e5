import { realpath } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Sample } from './exposition.ts'
import { parseExposition } from './exposition.ts'
import { fetchPage, LitestreamError } from './page.ts'
import type { PageOptions } from './page.ts'

/** How far the copy is. Only 0.3 tells it; 0.5 has `txid` instead. */
export interface LitestreamReplica {
  /** Name of the replica in Litestream's configuration. */
  readonly name: string
  readonly walIndex: number | null
  readonly walOffsetBytes: number | null
}

/**
 * What Litestream says of one database. `null` is what this version, or this moment, does not tell; it is never a zero:
 * 0.3 has no txid, 0.5 no positions of replicas, and neither counts a mode of checkpoints before the first of it.
 */
export interface LitestreamNumbers {
  /** The path by which it knows the database. */
  readonly database: string
  /** Of the database file. */
  readonly databaseBytes: number | null
  /** Of the log; in 0.5 the part of it that has been read. */
  readonly walBytes: number | null
  /** Checkpoints, failed ones too, by mode: `PASSIVE`, `TRUNCATE`, … */
  readonly checkpointsByMode: Readonly<Record<string, number>> | null
  readonly checkpoints: number | null
  readonly checkpointErrors: number | null
  readonly syncs: number | null
  readonly syncErrors: number | null
  readonly txid: number | null
  /** Replication is paused because its disk is full. */
  readonly isDiskFull: boolean | null
  readonly replicas: readonly LitestreamReplica[] | null
}

/** Why there are no numbers. */
export interface LitestreamFailure {
  readonly code: LitestreamErrorCode
  readonly message: string
}

export type LitestreamErrorCode =
  /** Not an http or https URL, or one with a password in it. */
  | 'LITESTREAM_INVALID_URL'
  /** No whole answer in time. */
  | 'LITESTREAM_TIMEOUT'
  /** No connection, or it broke. */
  | 'LITESTREAM_UNREACHABLE'
  /** Another status than 200; redirects are not followed. */
  | 'LITESTREAM_BAD_STATUS'
  /** More than 1 MiB. */
  | 'LITESTREAM_TOO_LARGE'
  /** There is no Litestream metric in the answer. */
  | 'LITESTREAM_NO_METRICS'
  /** It has several databases, and ours is none of them. */
  | 'LITESTREAM_UNKNOWN_DATABASE'

export type LitestreamMetrics =
  | { readonly error: null; readonly numbers: LitestreamNumbers }
  | { readonly error: LitestreamFailure; readonly numbers: null }

export interface ReadLitestreamOptions extends PageOptions {
  /** Path of the database. Without it, or when Litestream knows it by another path, its only database is taken. */
  readonly path?: string
}

/**
 * Asks a Litestream for its metrics (its setting `addr`). A URL without a path means `/metrics`. Every failure is a
 * result with an `error`: it never rejects.
 */
export async function readLitestreamMetrics(
  url: string,
  options: ReadLitestreamOptions = {},
): Promise<LitestreamMetrics> {
  try {
    const text = await fetchPage(url, options)
    const samples = parseExposition(text, 'litestream_')
    return { error: null, numbers: numbersOf(samples, await namesOf(options.path)) }
  } catch (error) {
    if (!(error instanceof LitestreamError)) throw error
    return { error: { code: error.code, message: error.message }, numbers: null }
  }
}

/** Litestream makes its paths absolute, and follows no links. */
async function namesOf(path: string | undefined): Promise<string[]> {
  if (path === undefined) return []
  const absolute = resolve(path)
  return [absolute, await realpath(absolute).catch(() => absolute)]
}

function numbersOf(all: readonly Sample[], names: readonly string[]): LitestreamNumbers {
  const database = chooseDatabase(all, names)
  const samples = all.filter(({ labels }) => labels['db'] === database)
  const sum = (name: string): number | null => {
    const found = samples.filter((sample) => sample.name === name)
    return found.length === 0 ? null : found.reduce((total, { value }) => total + value, 0)
  }
  const diskFull = sum('litestream_disk_full')
  return {
    database,
    databaseBytes: sum('litestream_db_size'),
    walBytes: sum('litestream_wal_size'),
    checkpointsByMode: byMode(samples),
    checkpoints: sum('litestream_checkpoint_count'),
    checkpointErrors: sum('litestream_checkpoint_error_count'),
    syncs: sum('litestream_sync_count'),
    syncErrors: sum('litestream_sync_error_count'),
    txid: sum('litestream_txid'),
    isDiskFull: diskFull === null ? null : diskFull !== 0,
    replicas: replicasOf(samples),
  }
}

function chooseDatabase(samples: readonly Sample[], names: readonly string[]): string {
  // Of other series `db` is a name and not a path; this one is in every version.
  const known = samples
    .filter(({ name }) => name === 'litestream_db_size')
    .map(({ labels }) => labels['db'] ?? '')
  const ours = known.find((database) => names.includes(database))
  if (ours !== undefined) return ours
  const [only, ...others] = known
  if (only === undefined) {
    throw new LitestreamError('LITESTREAM_NO_METRICS', 'the answer has no metric of a database')
  }
  if (others.length > 0) {
    const message = `Litestream replicates ${known.length} databases, and none has this path`
    throw new LitestreamError('LITESTREAM_UNKNOWN_DATABASE', message)
  }
  return only
}

function byMode(samples: readonly Sample[]): Record<string, number> | null {
  const counts = samples.filter(({ name }) => name === 'litestream_checkpoint_count')
  if (counts.length === 0) return null
  return Object.fromEntries(counts.map(({ labels, value }) => [labels['mode'] ?? '', value]))
}

function replicasOf(samples: readonly Sample[]): LitestreamReplica[] | null {
  const indexes = valuesByReplica(samples, 'litestream_replica_wal_index')
  const offsets = valuesByReplica(samples, 'litestream_replica_wal_offset')
  const names = [...new Set([...indexes.keys(), ...offsets.keys()])]
  if (names.length === 0) return null
  return names.map((name) => ({
    name,
    walIndex: indexes.get(name) ?? null,
    walOffsetBytes: offsets.get(name) ?? null,
  }))
}

const valuesByReplica = (samples: readonly Sample[], name: string): Map<string, number> =>
  new Map(
    samples
      .filter((sample) => sample.name === name)
      .map(({ labels, value }) => [labels['name'] ?? '', value]),
  )
