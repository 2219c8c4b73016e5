import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Tokens } from './tokens.ts'

const adminToken = 'f3b1c9a07d5e4826b1f09c3ad7e85416'
const viewerToken = '8d2e60b7c41f49a3950d7be1c6a2f834'

describe('Tokens', () => {
  it('knows whose token it is', () => {
    const tokens = new Tokens({ adminToken, viewerToken })
    assert.equal(tokens.check(adminToken), 'admin')
    assert.equal(tokens.check(viewerToken), 'viewer')
    for (const wrong of ['', adminToken.slice(1), `${adminToken} `, adminToken.toUpperCase()]) {
      assert.equal(tokens.check(wrong), 'unknown', wrong)
    }
  })

  it('exchanges a given token as often as asked, and makes no link', () => {
    const tokens = new Tokens({ adminToken, viewerToken: null })
    assert.equal(tokens.linkToken, null)
    for (let i = 0; i < 3; i += 1) assert.equal(tokens.exchange(adminToken), 'admin')
    assert.equal(tokens.check(viewerToken), 'unknown')
  })

  it('makes a link of 256 bits without one, which opens a session once', () => {
    const tokens = new Tokens({ adminToken: null, viewerToken })
    const link = tokens.linkToken!
    assert.match(link, /^[\w-]{43}$/)
    assert.notEqual(link, new Tokens({ adminToken: null, viewerToken }).linkToken)
    assert.equal(tokens.check(link), 'admin')
    assert.equal(tokens.exchange(link), 'admin')
    assert.equal(tokens.exchange(link), 'used')
    assert.equal(tokens.check(link), 'used')
    assert.equal(tokens.exchange(viewerToken), 'viewer')
  })
})
