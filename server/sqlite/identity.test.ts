import assert from 'node:assert/strict'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { tempDir } from '../testing/temp-db.ts'
import { identifyFile, isSameFile } from './identity.ts'

describe('identifyFile', () => {
  it('tells a replaced file from the one before, and a written one not', async (t) => {
    const path = join(tempDir(t), 'x')
    writeFileSync(path, 'a')
    const before = await identifyFile(path)
    writeFileSync(path, 'longer')
    assert.ok(isSameFile(before, await identifyFile(path)))
    writeFileSync(`${path}2`, 'a')
    renameSync(`${path}2`, path)
    assert.ok(!isSameFile(before, await identifyFile(path)))
  })

  it('is null where there is no file, which is the same as nothing', async (t) => {
    const path = join(tempDir(t), 'x')
    writeFileSync(path, 'a')
    const before = await identifyFile(path)
    rmSync(path)
    assert.equal(await identifyFile(path), null)
    assert.ok(!isSameFile(before, null))
    assert.ok(!isSameFile(null, null))
  })
})
