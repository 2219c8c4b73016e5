import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  lstatSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { tempDatabase, tempDir } from '../../testing/temp-db.ts'
import { loadResumeKey } from './resume-key.ts'

const tokens = { adminToken: null, viewerToken: null }
const configFor = (
  path: string,
  access: Partial<Record<keyof typeof tokens, string>> = {},
  isLoopback = true,
) =>
  ({ pool: { path }, http: { isLoopback }, access: { ...tokens, ...access } }) as Parameters<
    typeof loadResumeKey
  >[0]

describe('loadResumeKey', () => {
  it('keeps one beside the database that only its owner can read', (t) => {
    const path = tempDatabase(t)
    const key = loadResumeKey(configFor(path))!
    assert.equal(key.length, 32)
    assert.equal(statSync(`${path}.session-key`).mode & 0o777, 0o600)
    assert.deepEqual(loadResumeKey(configFor(path)), key)
    assert.ok(!readFileSync(`${path}.session-key`).equals(key), 'the file alone is not the key')
  })

  it('derives it from ADMIN_TOKEN without a file, and from VIEWER_TOKEN as well', (t) => {
    const path = tempDatabase(t)
    const adminToken = 'f3b1c9a07d5e4826b1f09c3ad7e85416'
    const key = loadResumeKey(configFor(path, { adminToken }, false))!
    assert.deepEqual(loadResumeKey(configFor(path, { adminToken }, false)), key)
    assert.notDeepEqual(loadResumeKey(configFor(path, { adminToken, viewerToken: 'v' })), key)
    assert.notDeepEqual(loadResumeKey(configFor(path, { adminToken: 'other' })), key)
    assert.equal(existsSync(`${path}.session-key`), false)
  })

  it('has none beyond loopback without ADMIN_TOKEN', (t) => {
    const path = tempDatabase(t)
    assert.equal(loadResumeKey(configFor(path, {}, false)), null)
    assert.equal(existsSync(`${path}.session-key`), false)
  })

  const spoiled: readonly (readonly [what: string, spoil: (file: string) => void])[] = [
    ['that others can read', (file) => chmodSync(file, 0o644)],
    ['that is cut short', (file) => writeFileSync(file, 'abc')],
    ['that is empty', (file) => writeFileSync(file, '')],
  ]
  for (const [what, spoil] of spoiled) {
    it(`replaces one ${what}`, (t) => {
      const path = tempDatabase(t)
      const file = `${path}.session-key`
      const key = loadResumeKey(configFor(path))!
      spoil(file)
      const fresh = loadResumeKey(configFor(path))!
      assert.notDeepEqual(fresh, key)
      assert.deepEqual(loadResumeKey(configFor(path)), fresh)
      assert.equal(statSync(file).mode & 0o777, 0o600)
    })
  }

  it('follows no link: it is replaced, and its target left alone', (t) => {
    const path = tempDatabase(t)
    const target = join(tempDir(t), 'precious')
    writeFileSync(target, 'x'.repeat(32), { mode: 0o600 })
    symlinkSync(target, `${path}.session-key`)
    assert.equal(loadResumeKey(configFor(path))?.length, 32)
    assert.equal(readFileSync(target, 'utf8'), 'x'.repeat(32))
    assert.ok(lstatSync(`${path}.session-key`).isFile())
  })

  it('has none where it cannot be kept', (t) => {
    assert.equal(loadResumeKey(configFor(join(tempDir(t), 'gone', 'database.sqlite'))), null)
  })
})
