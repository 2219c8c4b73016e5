import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { describe, it } from 'node:test'
import { HandClock } from '../testing/hand-clock.ts'
import { until } from '../testing/until.ts'
import { loadClock } from './clock.ts'
import { readFlags, type LoadOptions } from './flags.ts'
import { runLoad, UnreachableError } from './run.ts'
import type { Summary } from './summary.ts'
import { reply, startSmallShop } from './testing/small-shop.ts'

const silent = { write: () => undefined }

function optionsOf(url: string, flags: string): LoadOptions {
  const options = readFlags([...flags.split(' '), '--url', url, '--seed', '1'], () => 0)
  assert.ok(options !== 'help')
  return options
}

function run(url: string, flags: string, signal = new AbortController().signal): Promise<Summary> {
  return runLoad(optionsOf(url, flags), { clock: loadClock, signal, progress: silent })
}

const total = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, value) => sum + value, 0)

describe('runLoad', () => {
  it('does all kinds of requests, fails none, and leaves the shop as it was', async (t) => {
    const shop = await startSmallShop(t)
    const before = structuredClone(shop.rows)
    const controller = new AbortController()
    const kinds = new Set<string>()
    let isDone = false
    shop.intercept = (request) => {
      kinds.add(`${request.method} ${request.url!.replace(/\?.*/, '').replace(/\d+$/, ':id')}`)
      if (kinds.size === 6 && shop.requests.length > 500 && !isDone) {
        isDone = true
        controller.abort()
      }
      return false
    }
    const summary = await run(
      shop.url,
      '--concurrency 8 --duration 1h --mix 5:4:1',
      controller.signal,
    )
    assert.deepEqual([...kinds].sort(), [
      'DELETE /api/products/:id',
      'GET /api/products',
      'GET /api/products/:id',
      'GET /api/products/stats',
      'PATCH /api/products/:id',
      'POST /api/products',
    ])
    assert.deepEqual(shop.rows, before)
    assert.equal(summary.isEndedEarly, true)
    assert.deepEqual(summary.errors, {})
    assert.deepEqual(
      Object.keys(summary.statuses).filter((status) => Number(status) >= 400),
      [],
    )
    assert.ok(summary.rows.created > 0)
    assert.deepEqual(summary.rows, { ...summary.rows, deleted: summary.rows.created, left: 0 })
    assert.equal(total(summary.statuses), summary.requests)
  })

  it('sends exactly what a rate asks for, and no more at once than allowed', async (t) => {
    const shop = await startSmallShop(t)
    let underWay = 0
    let most = 0
    shop.intercept = (_, response) => {
      underWay += 1
      most = Math.max(most, underWay)
      response.on('close', () => (underWay -= 1))
      return false
    }
    const summary = await run(shop.url, '--rate 100 --duration 300ms --concurrency 3 --mix reads')
    assert.equal(summary.requests + summary.waits.unsent, 30)
    assert.ok(most <= 3)
    assert.ok(summary.waits.lateMs!.count === summary.requests)
  })

  //  ms          0    20    40   …   400
  //  intended    #0   #1    #2   …   #20
  //  answered    ·    ·     ·        #0, then #1 … #20 at once
  it('measures from the intended start: who waited behind a stall has waited', async (t) => {
    const shop = await startSmallShop(t)
    const clock = new HandClock()
    let held: ServerResponse | undefined
    shop.intercept = (_, response) => {
      if (shop.requests.length !== 2) return false
      held = response
      return true
    }
    const options = optionsOf(shop.url, '--rate 50 --duration 410ms --concurrency 1 --mix reads')
    const { signal } = new AbortController()
    const done = runLoad(options, { clock, signal, progress: silent })
    await until(() => held !== undefined)
    clock.advance(400)
    reply(held!, 200, { items: [], nextCursor: null })
    const { requests, latencyMs, waits } = await done
    assert.equal(requests, 21)
    assert.equal(latencyMs.max, 400)
    assert.ok(Math.abs(latencyMs.p50! - 200) < 10, `half waited 200 ms: ${latencyMs.p50}`)
    assert.equal(waits.lateMs!.max, 380)
    assert.equal(waits.unsent, 0)
  })

  it('counts refusals by status and code, and pauses after each', async (t) => {
    const shop = await startSmallShop(t)
    shop.intercept = (_, response) => {
      if (shop.requests.length === 1) return false
      reply(response, 503, { error: { code: 'POOL_QUEUE_FULL' } })
      return true
    }
    const summary = await run(shop.url, '--duration 150ms --concurrency 2 --mix reads')
    assert.deepEqual(summary.statuses, { 503: summary.requests })
    assert.deepEqual(summary.refusals, { POOL_QUEUE_FULL: summary.requests })
    assert.equal(summary.waits.pauses, summary.requests)
    assert.ok(summary.requests < 10, 'it does not hammer')
  })

  it('survives a server that hangs up, and deletes rows whose answer never came', async (t) => {
    const shop = await startSmallShop(t)
    const before = structuredClone(shop.rows)
    let posts = 0
    shop.intercept = (request) => {
      if (request.method !== 'POST') return false
      posts += 1
      return posts % 2 === 0 ? 'hang up' : false
    }
    const summary = await run(shop.url, '--duration 400ms --concurrency 4 --mix writes')
    assert.ok(posts >= 2)
    assert.deepEqual(Object.keys(summary.errors), ['ECONNRESET'])
    assert.deepEqual(shop.rows, before)
    assert.equal(summary.rows.deleted, summary.rows.created)
  })

  it('says what it had to leave behind', async (t) => {
    const shop = await startSmallShop(t)
    shop.intercept = (request, response) => {
      if (request.method !== 'DELETE') return false
      reply(response, 503, { error: { code: 'POOL_DRAINING' } })
      return true
    }
    const summary = await run(shop.url, '--duration 200ms --concurrency 1 --mix writes')
    assert.ok(summary.rows.left > 0)
    assert.equal(summary.rows.left, summary.rows.created)
    assert.equal(shop.rows.size, 30 + summary.rows.left)
  })

  it('keeps the prefix of a server behind a proxy', async (t) => {
    const shop = await startSmallShop(t)
    await assert.rejects(run(`${shop.url}/shop/`, '--duration 100ms'), UnreachableError)
    assert.deepEqual(shop.requests, ['GET /shop/api/products'])
  })

  it('names what is not there: no server, and something that is no products API', async (t) => {
    await assert.rejects(run('http://127.0.0.1:1', '--duration 1s'), {
      name: 'UnreachableError',
      message: /^http:\/\/127\.0\.0\.1:1\/ cannot be reached \(ECONNREFUSED\): /,
    })
    const shop = await startSmallShop(t)
    for (const [status, body] of [
      [404, {}],
      [200, { hello: 'world' }],
      [421, { error: { code: 'HOST_NOT_ALLOWED' } }],
    ] as const) {
      shop.intercept = (_, response) => (reply(response, status, body), true)
      await assert.rejects(run(shop.url, '--duration 1s'), {
        name: 'UnreachableError',
        message: new RegExp(`has no products API: .* was answered with ${status}`),
      })
    }
  })
})
