import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { ATTRIBUTE, ATTRIBUTE_VALUES } from '../telemetry/otel/attributes.ts'
import {
  LINK_ATTRIBUTES,
  METRIC,
  SPAN_ATTRIBUTES,
  SPAN_EVENT_ATTRIBUTES,
  type Metric,
} from '../telemetry/otel/names.ts'
import { CLOSE_CODES, SERIES, SUBPROTOCOL } from '../telemetry/protocol.ts'
import type { AckFrame, ServerFrame } from '../telemetry/protocol.ts'
import { SHUTDOWN_LIMIT_MS } from '../telemetry/sdk.ts'
import { applyDefaults, type Environment } from '../telemetry/sdk-environment.ts'
import { ACQUIRE_FAILURES } from '../telemetry/stats.ts'
import { EVENT_TYPES } from './testing/event-types.ts'
import { readTable } from './testing/markdown-table.ts'

const markdown = readFileSync(join(import.meta.dirname, 'telemetry.md'), 'utf8')
const table = (name: string): Record<string, string>[] => readTable(markdown, name)
const plain = (cell: string | undefined): string => cell!.replaceAll('`', '')
const column = (name: string, heading: string): string[] =>
  table(name).map((row) => plain(row[heading]))

const groups: Record<string, readonly string[]> = {
  database: [ATTRIBUTE.system, ATTRIBUTE.namespace],
  pool: [ATTRIBUTE.system, ATTRIBUTE.namespace, ATTRIBUTE.poolName],
  lane: [ATTRIBUTE.system, ATTRIBUTE.namespace, ATTRIBUTE.poolName, ATTRIBUTE.role],
}

/** A cell of attributes, its groups spelled out. */
function attributesOf(cell: string | undefined): string[] {
  return [...cell!.matchAll(/`([^`]+)`|_([a-z]+)_/g)]
    .flatMap(([, key, group]) => (key === undefined ? groups[group!]! : [key]))
    .toSorted()
}

/** Held to the types by the compiler. */
const FRAMES: Record<(ServerFrame | AckFrame)[0], 'server' | 'viewer'> = {
  hello: 'server',
  tick: 'server',
  state: 'server',
  event: 'server',
  ping: 'server',
  gap: 'server',
  bye: 'server',
  ack: 'viewer',
}

describe('docs/telemetry.md', () => {
  it('has every metric of the code, with its instrument, unit and attributes, and no other', () => {
    const documented = table('metrics').map((row) => ({
      name: plain(row['metric']),
      instrument: row['instrument'],
      unit: plain(row['unit']),
      attributes: attributesOf(row['attributes']),
    }))
    const metrics = Object.values<Metric>(METRIC)
    assert.deepEqual(
      documented,
      metrics.map(({ name, instrument, unit, attributes }) => ({
        name,
        instrument,
        unit,
        attributes: [...attributes].toSorted(),
      })),
    )
  })

  it('has the boundaries of every histogram', () => {
    const documented = table('boundaries').map((row) => [
      plain(row['metric']),
      row['boundaries']!.split(' ').map(Number),
    ])
    const histograms = Object.values<Metric>(METRIC).filter(({ boundaries }) => boundaries)
    assert.deepEqual(
      documented,
      histograms.map(({ name, boundaries }) => [name, boundaries]),
    )
  })

  it('has every span of the code with its attributes, and no other', () => {
    const documented = table('spans').map((row) => [
      plain(row['span']),
      attributesOf(row['attributes']),
    ])
    const spans = Object.entries(SPAN_ATTRIBUTES).map(([name, keys]) => [name, keys.toSorted()])
    assert.deepEqual(Object.fromEntries(documented), Object.fromEntries(spans))
  })

  it('has every event on a span of the code with its attributes, and no other', () => {
    const documented = table('span-events').map((row) => [
      plain(row['event']),
      attributesOf(row['attributes']),
    ])
    const events = Object.entries(SPAN_EVENT_ATTRIBUTES).map(([name, keys]) => [
      name,
      keys.toSorted(),
    ])
    assert.deepEqual(Object.fromEntries(documented), Object.fromEntries(events))
  })

  it('has every attribute of the code with its values, and no other', () => {
    const documented = table('attributes').map((row) => [
      plain(row['attribute']),
      [...row['values']!.matchAll(/`([^`]+)`/g)].map((match) => match[1]!),
    ])
    const attributes = Object.values(ATTRIBUTE).map((key) => [key, ATTRIBUTE_VALUES[key] ?? []])
    assert.deepEqual(Object.fromEntries(documented), Object.fromEntries(attributes))
  })

  it('names every way in which an acquire fails', () => {
    const row = table('attributes').find(({ attribute }) => attribute === '`error.type`')!
    for (const failure of ACQUIRE_FAILURES) assert.ok(row['meaning']!.includes(`\`${failure}\``))
  })

  it('spells the groups of attributes out as the tests do', () => {
    for (const [group, keys] of Object.entries(groups)) {
      const line = new RegExp(`^- _${group}_: (.*)$`, 'm').exec(markdown)
      assert.deepEqual(attributesOf(line?.[1]), [...keys].toSorted(), group)
    }
  })

  it('has the defaults of the environment', () => {
    const env: Environment = {}
    applyDefaults(env)
    // These two follow from what is configured.
    delete env['OTEL_TRACES_EXPORTER']
    delete env['OTEL_METRICS_EXPORTER']
    const documented = table('defaults').map((row) => [
      plain(row['variable']),
      plain(row['default']),
    ])
    assert.deepEqual(Object.fromEntries(documented), env)
  })

  it('has the limit of the shutdown', () => {
    assert.ok(markdown.includes(`the last export gets ${SHUTDOWN_LIMIT_MS / 1000} s`))
  })

  const lists: readonly { table: string; heading: string; code: readonly string[] }[] = [
    { table: 'links', heading: 'attribute', code: LINK_ATTRIBUTES },
    { table: 'events', heading: 'type', code: EVENT_TYPES },
    { table: 'frames', heading: 'frame', code: Object.keys(FRAMES) },
    { table: 'frames', heading: 'from', code: Object.values(FRAMES) },
    { table: 'series', heading: 'series', code: SERIES.map(({ name }) => name) },
    { table: 'series', heading: 'unit', code: SERIES.map(({ unit }) => unit) },
    { table: 'close-codes', heading: 'code', code: Object.values(CLOSE_CODES).map(String) },
  ]
  for (const { table: name, heading, code } of lists) {
    it(`has every ${heading} of the ${name} of the code, in its order, and no other`, () => {
      assert.deepEqual(column(name, heading), code)
    })
  }

  it('calls close codes and subprotocol what the code calls them', () => {
    for (const name of Object.keys(CLOSE_CODES)) assert.ok(markdown.includes(`\`${name}\``), name)
    assert.ok(markdown.includes(`\`${SUBPROTOCOL}\``))
  })

  it('names no metric, span or attribute that is not there', () => {
    const known = new Set<string>([
      ...Object.values<Metric>(METRIC).map(({ name }) => name),
      ...Object.keys(SPAN_ATTRIBUTES),
      ...Object.keys(SPAN_EVENT_ATTRIBUTES),
      ...Object.values(ATTRIBUTE),
    ])
    const named = [...markdown.matchAll(/`((?:db|sqlite|error|process)\.[\w.]*\w)/g)].map(
      ([, name]) => name!,
    )
    assert.ok(named.length > 100)
    assert.deepEqual(
      named.filter((name) => !known.has(name)),
      [],
    )
  })
})
