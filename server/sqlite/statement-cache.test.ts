import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import Database from 'better-sqlite3'
import { StatementCache } from './statement-cache.ts'

describe('StatementCache', () => {
  it('prepares one text once', () => {
    const cache = new StatementCache(new Database(':memory:'), 10)
    assert.equal(cache.prepare('SELECT 1').statement, cache.prepare('SELECT 1').statement)
    assert.equal(cache.size, 1)
  })

  it('gives up the least recently used beyond its capacity', () => {
    const cache = new StatementCache(new Database(':memory:'), 2)
    const [one, two] = [cache.prepare('SELECT 1'), cache.prepare('SELECT 2')]
    cache.prepare('SELECT 1')
    cache.prepare('SELECT 3')
    assert.equal(cache.size, 2)
    assert.equal(cache.prepare('SELECT 1'), one)
    assert.notEqual(cache.prepare('SELECT 2'), two)
  })

  it('keeps nothing with a capacity of 0', () => {
    const cache = new StatementCache(new Database(':memory:'), 0)
    assert.notEqual(cache.prepare('SELECT 1'), cache.prepare('SELECT 1'))
    assert.equal(cache.size, 0)
  })

  it('keeps no text that does not compile', () => {
    const cache = new StatementCache(new Database(':memory:'), 2)
    assert.throws(() => cache.prepare('nonsense'), { code: 'SQLITE_ERROR' })
    assert.equal(cache.size, 0)
  })
})
