import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Api } from './api.ts'
import { Session } from './session.ts'

type Answer = readonly [status: number, body?: unknown, retryAfter?: string] | 'unreachable'

/** A session whose server gives these answers, one request after the other. */
function rig(...answers: Answer[]): { readonly session: Session; readonly asked: string[] } {
  const asked: string[] = []
  const api = new Api((address, { method, body }) => {
    asked.push(`${method} ${address}${body === undefined ? '' : ` ${body}`}`)
    const answer = answers.shift() ?? 'unreachable'
    if (answer === 'unreachable') return Promise.reject(new TypeError('Failed to fetch'))
    const [status, json, retryAfter] = answer
    return Promise.resolve({
      ok: status < 300,
      status,
      headers: { get: () => retryAfter ?? null },
      json: () => (json === undefined ? Promise.reject(new SyntaxError()) : Promise.resolve(json)),
    })
  })
  return { session: new Session(api), asked }
}

describe('Session', () => {
  it('trades the token of the link for a session', async () => {
    const { session, asked } = rig([200, { access: 'admin' }])
    await session.start('t0k3n')
    assert.deepEqual(asked, ['POST ../api/auth/session {"token":"t0k3n"}'])
    assert.deepEqual([session.status.value, session.access.value], ['signed_in', 'admin'])
  })

  it('goes on with the cookie when there is no token', async () => {
    const { session, asked } = rig([200, { access: 'viewer' }])
    await session.start(null)
    assert.deepEqual(asked, ['GET ../api/auth/session'])
    assert.deepEqual([session.status.value, session.access.value], ['signed_in', 'viewer'])
  })

  it('goes on with the cookie when the link was used before', async () => {
    const { session } = rig([401], [200, { access: 'admin' }])
    await session.start('used')
    assert.equal(session.status.value, 'signed_in')
  })

  const failures: readonly (readonly [name: string, answers: Answer[], message: RegExp])[] = [
    ['a wrong or used token', [[401], [401]], /wrong, has expired, or was used already/],
    ['too many attempts, with how long to wait', [[429, {}, '12']], /Wait 12 s/],
    ['too many attempts', [[429, {}]], /Wait a minute/],
    [
      'a refusal, with its reason',
      [[421, { error: { message: 'This host is not allowed.' } }]],
      /host is not allowed/,
    ],
    ['a refusal without a reason', [[500]], /\(500\)/],
    ['a server that does not answer', ['unreachable'], /does not answer/],
  ]
  for (const [name, answers, message] of failures) {
    it(`says why there is no session: ${name}`, async () => {
      const { session } = rig(...answers)
      await session.start('token')
      assert.equal(session.status.value, 'signed_out')
      assert.match(session.message.value, message)
      assert.equal(session.isBusy.value, false)
    })
  }

  it('is silent about the missing session of a first visit', async () => {
    const { session } = rig([401])
    await session.start(null)
    assert.deepEqual([session.status.value, session.message.value], ['signed_out', ''])
  })

  it('ends, says so, and resumes when the cookie is good again', async () => {
    const { session } = rig([200, { access: 'viewer' }], [401], [200, { access: 'viewer' }])
    await session.start(null)
    session.expire()
    assert.match(session.message.value, /has ended/)
    await session.resume()
    assert.match(session.message.value, /has ended/)
    await session.resume()
    assert.deepEqual([session.status.value, session.message.value], ['signed_in', ''])
  })
})
