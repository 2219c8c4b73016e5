import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { IDLE_LIMIT_MS, LIFETIME_MS, SESSION_LIMIT, Sessions } from './sessions.ts'

/** One clock for both times, and servers that come and go with it. */
function createWorld(resumeKey: Buffer | null = null) {
  let nowMs = 1_000_000
  return {
    pass: (ms: number) => void (nowMs += ms),
    start: (key = resumeKey) =>
      new Sessions({ resumeKey: key, nowMonoMs: () => nowMs, nowEpochMs: () => nowMs + 1e12 }),
  }
}

const key = randomBytes(32)

describe('Sessions', () => {
  it('knows its own, and nothing else', () => {
    const sessions = createWorld().start()
    const cookie = sessions.start('viewer')
    assert.equal(sessions.use(cookie)?.role, 'viewer')
    for (const wrong of [
      '',
      '.',
      '__proto__',
      `${cookie}x`,
      cookie.slice(1),
      randomBytes(32).toString('base64url'),
    ]) {
      assert.equal(sessions.use(wrong), undefined, wrong)
      assert.equal(sessions.isAlive(wrong), false, wrong)
    }
  })

  it('ends one that is not used, however often somebody looks whether it is alive', () => {
    const world = createWorld()
    const sessions = world.start()
    const cookie = sessions.start('admin')
    world.pass(IDLE_LIMIT_MS - 1)
    assert.equal(sessions.isAlive(cookie), true)
    world.pass(1)
    assert.equal(sessions.isAlive(cookie), false)
    assert.equal(sessions.use(cookie), undefined)
    assert.equal(sessions.size, 0)
  })

  it('keeps one that is used, but not beyond its lifetime', () => {
    const world = createWorld()
    const sessions = world.start()
    const cookie = sessions.start('admin')
    for (let ms = 0; ms < LIFETIME_MS - IDLE_LIMIT_MS; ms += IDLE_LIMIT_MS - 1) {
      assert.equal(sessions.use(cookie)?.role, 'admin')
      world.pass(IDLE_LIMIT_MS - 1)
    }
    world.pass(IDLE_LIMIT_MS)
    assert.equal(sessions.use(cookie), undefined)
  })

  it('gives up the least recently used when there are too many', () => {
    const sessions = createWorld().start()
    const [first, second] = Array.from({ length: SESSION_LIMIT }, () => sessions.start('viewer'))
    sessions.use(first!)
    sessions.start('viewer')
    assert.equal(sessions.size, SESSION_LIMIT)
    assert.equal(sessions.isAlive(first!), true)
    assert.equal(sessions.isAlive(second!), false)
  })

  it('ends at logout', () => {
    const sessions = createWorld(key).start()
    const cookie = sessions.start('admin')
    sessions.end(cookie)
    assert.equal(sessions.isAlive(cookie), false)
    assert.equal(sessions.use(cookie), undefined)
  })
})

describe('Sessions over a restart', () => {
  it('go on with the same key, for what is left of their lifetime', () => {
    const world = createWorld(key)
    const cookie = world.start().start('viewer')
    world.pass(LIFETIME_MS - 1000)
    const sessions = world.start()
    assert.equal(sessions.use(cookie)?.role, 'viewer')
    assert.equal(sessions.isAlive(cookie), true)
    world.pass(1000)
    assert.equal(sessions.use(cookie), undefined)
    assert.equal(world.start().use(cookie), undefined)
  })

  const strangers: readonly (readonly [what: string, change: (cookie: string) => string])[] = [
    ['another role', (cookie) => cookie.replace('.viewer.', '.admin.')],
    ['another time', (cookie) => cookie.replace(/\.(\d+)\./, (_, ms) => `.${Number(ms) + 1}.`)],
    ['another id', (cookie) => `x${cookie}`],
    ['no signature', (cookie) => cookie.slice(0, cookie.lastIndexOf('.'))],
    ['half a signature', (cookie) => cookie.slice(0, -4)],
    ['the bare id', (cookie) => cookie.split('.')[0]!],
  ]
  for (const [what, change] of strangers) {
    it(`do not with ${what}`, () => {
      const world = createWorld(key)
      const cookie = world.start().start('viewer')
      world.pass(1000)
      assert.equal(world.start().use(change(cookie)), undefined)
      assert.equal(world.start().use(cookie)?.role, 'viewer')
    })
  }

  it('do not with another key, or none', () => {
    const world = createWorld(key)
    const cookie = world.start().start('admin')
    world.pass(1000)
    assert.equal(world.start(randomBytes(32)).use(cookie), undefined)
    assert.equal(world.start(null).use(cookie), undefined)
    assert.equal(createWorld(null).start().use(cookie), undefined)
  })

  // It was in nobody's memory after a logout, and its signature was good: it came back.
  it('do not once they have ended in this run', () => {
    const world = createWorld(key)
    const first = world.start()
    const [loggedOut, unused, early] = [
      first.start('admin'),
      first.start('admin'),
      first.start('admin'),
    ]
    world.pass(1000)
    const second = world.start()
    second.use(loggedOut)
    second.end(loggedOut)
    second.end(early)
    second.use(unused)
    world.pass(IDLE_LIMIT_MS)
    for (const cookie of [loggedOut, early, unused]) {
      assert.equal(second.use(cookie), undefined)
      assert.equal(second.use(cookie), undefined)
    }
  })
})
