import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parseEnv } from 'node:util'
import { readConfig } from '../server/config.ts'
import { settingSchemas, type SettingName } from '../server/config-schema.ts'

const example = readFileSync(join(import.meta.dirname, '..', '.env.example'), 'utf8')

interface Entry {
  readonly name: string
  readonly value: string
  readonly isCommentedOut: boolean
  /** The comment above it, on one line. */
  readonly comment: string
}

/** Blocks of comment lines that end in `NAME=value` or `# NAME=value`. */
function readEntries(text: string): Entry[] {
  return text.split('\n\n').flatMap((block) => {
    const lines = block.trim().split('\n')
    const comment: string[] = []
    return lines.flatMap((line) => {
      const match = /^(# )?([A-Z][A-Z0-9_]*)=(.*)$/.exec(line)
      if (match === null) {
        comment.push(line.replace(/^# ?/, ''))
        return []
      }
      const [, hash, name, value] = match
      return [
        {
          name: name!,
          value: value!,
          isCommentedOut: hash !== undefined,
          comment: comment.join(' '),
        },
      ]
    })
  })
}

/** What a comment must say about a setting. */
function describeSetting(name: SettingName): string {
  const { description, allowed, unit } = settingSchemas[name]
  return `${description} Allowed: ${allowed}.${unit === undefined ? '' : ` Unit: ${unit}.`}`
}

const names = Object.keys(settingSchemas) as SettingName[]
const entries = readEntries(example)
const ours = entries.filter((entry) => !entry.name.startsWith('OTEL_'))
const standard = entries.filter((entry) => entry.name.startsWith('OTEL_'))

describe('.env.example', () => {
  it('has every setting, in the order of the schema, and no other', () => {
    assert.deepEqual(
      ours.map((entry) => entry.name),
      names,
    )
  })

  it('shows each default, and comments out what has none', () => {
    for (const entry of ours) {
      const value = settingSchemas[entry.name as SettingName].default
      const shown = entry.isCommentedOut ? undefined : entry.value
      assert.equal(shown, value === undefined ? undefined : String(value), entry.name)
    }
  })

  it('says of each what it is, what is allowed, its unit, and what 0 means', () => {
    for (const entry of ours) {
      const name = entry.name as SettingName
      assert.equal(entry.comment, describeSetting(name))
      const isZeroAllowed = /^(0, or|one of 0,|a whole number from 0 )/.test(
        settingSchemas[name].allowed,
      )
      assert.equal(/(^|\s)0: /.test(entry.comment), isZeroAllowed, `${name} says what 0 means`)
    }
  })

  it('is a good configuration, and the same as none', () => {
    assert.deepEqual(readConfig(parseEnv(example)), readConfig({}))
  })

  it('holds no secret', () => {
    const secrets = ours.filter((entry) => settingSchemas[entry.name as SettingName].isSecret)
    assert.equal(secrets.length, 2)
    for (const entry of secrets) assert.ok(entry.isCommentedOut && entry.value === '', entry.name)
  })

  it('sets no OpenTelemetry variable by itself', () => {
    assert.ok(standard.length > 0)
    for (const entry of standard) assert.ok(entry.isCommentedOut, entry.name)
  })

  it('names the unit of every duration', () => {
    for (const name of names) {
      if (name.endsWith('_MS')) assert.equal(settingSchemas[name].unit, 'ms', name)
    }
  })
})
