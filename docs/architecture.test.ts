import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, it } from 'node:test'

const root = join(import.meta.dirname, '..')

interface Rule {
  readonly who: string
  readonly may: readonly string[]
}

/** `{a,b}` spelled out: `telemetry/{x,y}.ts` → `telemetry/x.ts`, `telemetry/y.ts`. */
function spellOut(pattern: string): string[] {
  const match = /^(.*)\{(.*)\}(.*)$/.exec(pattern)
  if (match === null) return [pattern]
  return match[2]!.split(',').map((choice) => match[1]! + choice + match[3]!)
}

function readRules(markdown: string): Rule[] {
  const table = markdown.split('<!-- imports -->')[1]!.split('<!-- /imports -->')[0]!
  const rows = table.split('\n').filter((line) => line.startsWith('| `'))
  return rows.flatMap((row) => {
    const [who, may] = row.split('|').slice(1, 3)
    const names = (cell: string): string[] =>
      [...cell.matchAll(/`([^`]+)`/g)].flatMap((match) => spellOut(match[1]!))
    return names(who!).map((name) => ({ who: name, may: names(may!) }))
  })
}

/** Run-time imports of a source text: static, re-exported and dynamic, without the type-only ones. */
function runtimeImports(source: string): string[] {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '')
  const statics = code.matchAll(
    /^\s*(?:import|export)\s(?!type\b)(?:[^'"]*?\sfrom\s)?['"]([^'"]+)['"]/gm,
  )
  const dynamics = code.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)
  return [...statics, ...dynamics].map((match) => match[1]!)
}

function matches(target: string, allowed: string): boolean {
  if (allowed.endsWith('/*') || allowed.endsWith(':*'))
    return target.startsWith(allowed.slice(0, -1))
  if (allowed.endsWith('/')) return target.startsWith(allowed)
  return target === allowed || target.startsWith(`${allowed}/`)
}

function violations(file: string, source: string, rules: readonly Rule[]): string[] {
  const rule = rules
    .filter((candidate) => matches(file, candidate.who))
    .sort((a, b) => b.who.length - a.who.length)[0]
  if (rule === undefined) return [`${file}: no row of the table covers it`]
  return runtimeImports(source)
    .map((target) => (target.startsWith('.') ? join(dirname(file), target) : target))
    .filter((target) => !isOwnFolder(rule, file, target))
    .filter((target) => !rule.may.some((allowed) => matches(target, allowed)))
    .map((target) => `${file} imports ${target}`)
}

const isOwnFolder = (rule: Rule, file: string, target: string): boolean =>
  rule.who.endsWith('/')
    ? target.startsWith(rule.who)
    : dirname(target) === dirname(file) && !rule.who.startsWith('telemetry/{')

const sources = globSync('{server,telemetry,dashboard,docs}/**/*.{ts,tsx}', { cwd: root })
  .map((path) => relative(root, join(root, path)))
  .filter(
    (path) => !path.includes('.test.') && !path.includes('/e2e/') && !path.includes('/testing/'),
  )
const rules = readRules(readFileSync(join(root, 'docs/architecture.md'), 'utf8'))

describe('the import table of docs/architecture.md', () => {
  it('is obeyed by every source file', () => {
    assert.ok(sources.length > 50, 'the sources were found')
    const found = sources.flatMap((file) =>
      violations(file, readFileSync(join(root, file), 'utf8'), rules),
    )
    assert.deepEqual(found, [])
  })

  it('catches a pool that imports SQLite, a dashboard that imports the server, and a re-export', () => {
    const cases: readonly (readonly [file: string, source: string])[] = [
      ['server/pool/pool.ts', "import Database from 'better-sqlite3'"],
      ['server/pool/pool.ts', "import { open } from '../sqlite/inline.ts'"],
      ['server/pool/pool.ts', "import {\n  Histogram,\n} from '../../telemetry/histogram.ts'"],
      ['dashboard/app.tsx', "export { pool } from '../server/index.ts'"],
      ['dashboard/app.tsx', "const late = await import('../server/index.ts')"],
      ['telemetry/otel/spans.ts', "import '@opentelemetry/sdk-node'"],
    ]
    for (const [file, source] of cases) {
      assert.equal(violations(file, source, rules).length, 1, `${file}: ${source}`)
    }
  })

  it('lets types through', () => {
    const source = "import type { PoolStats } from '../../telemetry/stats.ts'"
    assert.deepEqual(violations('server/pool/pool.ts', source, rules), [])
  })

  it('has no row for a folder that is gone', () => {
    for (const { who } of rules) {
      assert.ok(
        sources.some((file) => matches(file, who)),
        `${who} covers no file`,
      )
    }
  })
})

describe('the shape of the tree', () => {
  it('has no drawer: files are named by their noun', () => {
    const drawers = sources.filter((path) =>
      /\/(utils?|helpers?|common|types|misc)\.tsx?$/.test(path),
    )
    assert.deepEqual(drawers, [])
  })

  it('never opens a database or its -shm file with fs', () => {
    const offenders = sources.filter((file) => {
      const source = readFileSync(join(root, file), 'utf8')
      return /(readFile|readFileSync|openSync|createReadStream|copyFile|copyFileSync|openAsBlob)\([^)]*(-shm|databasePath|dbPath)/.test(
        source,
      )
    })
    assert.deepEqual(offenders, [])
  })
})
