import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { settingSchemas, type SettingName } from '../server/config-schema.ts'
import { EXIT } from '../server/exit-code.ts'
import { errorTable } from '../server/http/error-table.ts'
import { readFlags } from '../server/load/flags.ts'
import { readTable } from './testing/markdown-table.ts'

const page = readFileSync(join(import.meta.dirname, 'operations.md'), 'utf8')

/** The cells of each row. */
const rowsOf = (name: string): string[][] => readTable(page, name).map((row) => Object.values(row))

const code = (value: string | number): string => `\`${value}\``

describe('docs/operations.md', () => {
  it('has every setting in its table, as the schema has it, and no other', () => {
    const rows = (Object.keys(settingSchemas) as SettingName[]).map((name) => {
      const { unit = '', default: value, allowed, description } = settingSchemas[name]
      return [code(name), unit, value === undefined ? '' : code(value), allowed, description]
    })
    assert.deepEqual(rowsOf('settings'), rows)
  })

  it('has every exit code in its table', () => {
    const codes = rowsOf('exit codes').map(([cell]) => Number(cell))
    for (const exitCode of Object.values(EXIT)) assert.ok(codes.includes(exitCode), `${exitCode}`)
    assert.deepEqual(
      codes,
      codes.toSorted((a, b) => a - b),
    )
  })

  it('names only error codes and settings that exist', () => {
    const names = [...page.matchAll(/`([A-Z]+_[A-Z_]+)(?:=[^`]*)?`/g)].map((match) => match[1]!)
    assert.ok(names.length > 30)
    const unknown = names.filter(
      (name) => !Object.hasOwn(settingSchemas, name) && !Object.hasOwn(errorTable, name),
    )
    assert.deepEqual(unknown, [])
  })

  it('answers every code with which the pool and the database refuse', () => {
    // Ours to mend, or gone with the client: nothing for an operator to do.
    const isForNobody = new Set(['POOL_CLOSED', 'POOL_ABORTED', 'DB_LOCKED', 'DB_CONFLICT'])
    for (const name of Object.keys(errorTable)) {
      if (!/^(POOL|DB)_/.test(name) || isForNobody.has(name)) continue
      assert.ok(page.includes(code(name)), name)
    }
  })

  it('shows commands that the load generator understands', () => {
    const commands = [...page.matchAll(/^npm run load -- ([^#\n]+)/gm)].map((match) =>
      match[1]!.trim().split(' '),
    )
    assert.ok(commands.length >= 2)
    for (const args of commands)
      assert.notEqual(
        readFlags(args, () => 0),
        'help',
      )
  })
})
