import * as semconv from '@opentelemetry/semantic-conventions/incubating'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ATTRIBUTE, ATTRIBUTE_VALUES } from './attributes.ts'
import { METRIC, SCHEMA_URL, SCOPE, type Metric } from './names.ts'

const folder = fileURLToPath(
  new URL('.', import.meta.resolve('@opentelemetry/semantic-conventions')),
)
const declarations = ['metrics', 'attributes']
  .flatMap((part) => [`stable_${part}.d.mts`, `experimental_${part}.d.mts`])
  .map((file) => readFileSync(join(folder, file), 'utf8'))
  .join('\n')

/** The documentation of a constant in the conventions' own declarations. */
function documentationOf(constant: string): string {
  const end = declarations.indexOf(` */\ndeclare const ${constant}:`)
  assert.notEqual(end, -1, `${constant} is not declared`)
  return declarations.slice(declarations.lastIndexOf('/**', end), end)
}

const exported = Object.entries(semconv) as [constant: string, value: unknown][]
const constantOf = (prefix: string, name: string): string | undefined =>
  exported.find(([constant, value]) => constant.startsWith(prefix) && value === name)?.[0]

const metrics = Object.values<Metric>(METRIC)
const readJson = (path: string): Record<string, unknown> =>
  JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>

describe('the names that we take from the semantic conventions', () => {
  for (const metric of metrics.filter(({ name }) => !name.startsWith('sqlite.'))) {
    it(`include the metric ${metric.name}, not deprecated and described in their words`, () => {
      const constant = constantOf('METRIC_', metric.name)
      assert.ok(constant !== undefined, 'no such metric')
      const documentation = documentationOf(constant)
      assert.doesNotMatch(documentation, /@deprecated/)
      assert.ok(documentation.includes(metric.description), documentation)
    })
  }

  for (const key of Object.values(ATTRIBUTE).filter((name) => !name.startsWith('sqlite.'))) {
    it(`include the attribute ${key}, not deprecated`, () => {
      const constant = constantOf('ATTR_', key)
      assert.ok(constant !== undefined, 'no such attribute')
      assert.doesNotMatch(documentationOf(constant), /@deprecated/)
    })
  }

  it('come before the values of our own', () => {
    assert.deepEqual(ATTRIBUTE_VALUES[ATTRIBUTE.system], [semconv.DB_SYSTEM_NAME_VALUE_SQLITE])
    assert.deepEqual(ATTRIBUTE_VALUES[ATTRIBUTE.connectionState], [
      semconv.DB_CLIENT_CONNECTION_STATE_VALUE_IDLE,
      semconv.DB_CLIENT_CONNECTION_STATE_VALUE_USED,
      'zombie',
    ])
  })

  it('are those of the release that the schema URL names', () => {
    const { version } = readJson(join(folder, '..', 'package.json'))
    assert.equal(SCHEMA_URL, `https://opentelemetry.io/schemas/${String(version)}`)
  })

  it('keep the boundaries that they give for the duration of operations', () => {
    const given = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]
    const ours: readonly number[] = METRIC.operationDuration.boundaries
    assert.deepEqual(
      given.filter((boundary) => !ours.includes(boundary)),
      [],
    )
  })
})

describe('the names of our own', () => {
  it('are under the name of the system, where the conventions have nothing', () => {
    const ours = [...metrics.map(({ name }) => name), ...Object.values(ATTRIBUTE)].filter(
      (name) => !/^(db|error|process)\./.test(name),
    )
    for (const name of ours) {
      assert.match(name, /^sqlite(\.[a-z_]+)+$/)
      assert.equal(
        exported.find(([, value]) => value === name),
        undefined,
        name,
      )
    }
  })

  it('are not the namespace of another attribute', () => {
    const keys: readonly string[] = Object.values(ATTRIBUTE)
    for (const key of keys) {
      assert.deepEqual(
        keys.filter((other) => other.startsWith(`${key}.`)),
        [],
        key,
      )
    }
  })
})

describe('the table of metrics', () => {
  it('has no name twice', () => {
    assert.equal(new Set(metrics.map(({ name }) => name)).size, metrics.length)
  })

  it('gives every histogram rising boundaries, and nothing else any', () => {
    for (const { name, instrument, boundaries } of metrics) {
      assert.equal(boundaries !== undefined, instrument === 'histogram', name)
      const sorted = [...new Set(boundaries)].toSorted((a, b) => a - b)
      assert.deepEqual(boundaries ?? [], sorted, name)
    }
  })

  it('counts in whole things and measures in seconds', () => {
    for (const { name, unit, isInteger } of metrics) {
      assert.equal(isInteger === true, unit !== 's', name)
      assert.match(unit, /^(s|By|1|\{[a-z]+\})$/, name)
    }
  })
})

describe('the scope', () => {
  it('is the package, in its version', () => {
    const { name, version } = readJson(join(import.meta.dirname, '..', '..', 'package.json'))
    assert.deepEqual(SCOPE, { name, version })
  })
})
