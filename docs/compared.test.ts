import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { ConnectionPool } from '../server/connection-pool.ts'
import { diagnostics } from '../server/pool/diagnostics.ts'
import { InvariantError, POOL_ERROR_CODES } from '../server/pool/errors.ts'
import { Lease } from '../server/pool/lease.ts'
import { POOL_OPTION_NAMES } from '../server/pool/options.ts'
import { Statement } from '../server/pool/statement.ts'
import { ConnectionLostError } from '../server/sqlite/errors.ts'
import { WALManager } from '../server/wal/wal-manager.ts'
import { METRIC, SPAN_ATTRIBUTES, type Metric } from '../telemetry/otel/names.ts'
import { apiNames } from './testing/api-names.ts'
import { EVENT_TYPES } from './testing/event-types.ts'
import { readTable } from './testing/markdown-table.ts'

const read = (file: string): string => readFileSync(join(import.meta.dirname, file), 'utf8')
const markdown = read('compared.md')
const tables = ['general', 'sqlite', 'asked'].map((name) => readTable(markdown, name))
const rows = tables.flat()

const tracing = [diagnostics.acquire, diagnostics.statement, diagnostics.transaction]
const KNOWN = new Set<string>([
  ...apiNames('pool', ConnectionPool),
  ...apiNames('lease', Lease),
  ...apiNames('Statement', Statement),
  ...apiNames('pool.wal', WALManager),
  ...POOL_OPTION_NAMES,
  ...readTable(read('pool.md'), 'call options').map((row) => row['field']!.replaceAll('`', '')),
  ...POOL_ERROR_CODES,
  new ConnectionLostError().code,
  InvariantError.name,
  ...EVENT_TYPES,
  ...tracing.map(({ start }) => String(start.name).replace(/:start$/, '')),
  ...Object.values<Metric>(METRIC).map(({ name }) => name),
  ...Object.keys(SPAN_ATTRIBUTES),
])

/** Words of SQLite, of the file system and of the server, and fields of what the others name. */
const OTHER_WORDS = [
  'inline',
  'query_only',
  '-wal',
  '/readyz',
  'createPool',
  'drainWaiters',
  'holders',
]

describe('docs/compared.md', () => {
  it('answers everything', () => {
    assert.deepEqual(
      tables.map((table) => table.length),
      [35, 23, 18],
    )
    assert.deepEqual(
      tables[2]!.map((row) => Number(row['#'])),
      Array.from({ length: 18 }, (_, i) => i + 1),
    )
  })

  it('begins every answer with yes, no or partly, and says more than that', () => {
    for (const { here } of rows) assert.match(here!, /^(yes|no|partly): .{10,}/)
  })

  it('says why for every no', () => {
    for (const { here } of rows) if (here!.startsWith('no')) assert.ok(here!.length > 60, here!)
  })

  it('has one short line for each', () => {
    for (const { here } of rows) assert.ok(here!.length < 190, here!)
  })

  it('names nothing that is not there', () => {
    const named = rows.flatMap(({ here }) =>
      [...here!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!),
    )
    assert.ok(named.length > 80, String(named.length))
    assert.deepEqual(
      named.filter((name) => !KNOWN.has(name) && !OTHER_WORDS.includes(name)),
      [],
    )
  })

  it('is linked from the pool, and asks nothing twice', () => {
    assert.ok(read('pool.md').includes('](compared.md)'))
    for (const table of tables) {
      const questions = table.map((row) => row['feature'] ?? row['asked for'])
      assert.equal(new Set(questions).size, questions.length)
    }
  })
})
