import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import Database from 'better-sqlite3'
import { tempDatabase, tempDir } from '../testing/temp-db.ts'
import { syncDatabase } from './database-sync.ts'

const isLinux = process.platform === 'linux'

describe('syncDatabase', () => {
  it('syncs the file through the descriptor of a connection', async (t) => {
    const database = new Database(tempDatabase(t))
    t.after(() => database.close())
    database.exec('CREATE TABLE entry (id INTEGER)')
    assert.equal(await syncDatabase(database.name), isLinux)
  })

  it('opens nothing: a file that nobody here has open is left alone', async (t) => {
    const path = join(tempDir(t), 'other.sqlite')
    writeFileSync(path, '')
    assert.equal(await syncDatabase(path), false)
  })

  it('has nothing to do for a file that is not there', async (t) => {
    assert.equal(await syncDatabase(tempDatabase(t)), false)
  })
})
