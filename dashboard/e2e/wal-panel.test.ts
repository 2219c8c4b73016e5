import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import type { WALHolderKind } from '../../telemetry/protocol.ts'
import { axeViolations } from './axe.ts'
import { launchBrowser, sizes } from './browser.ts'
import {
  assertAccessible,
  assertBehaved,
  assertFits,
  buildPage,
  openLiveIn,
  until,
} from './scene.ts'
import type { Scene, SceneOptions } from './scene.ts'

let browser: Browser
before(async () => {
  await buildPage()
  browser = await launchBrowser()
})
after(() => browser.close())

const open = (t: TestContext, options?: SceneOptions): Promise<Scene> =>
  openLiveIn(browser, t, { scenario: 'wal-pinned', ...options })

const gib = 1024 ** 3
const longCommand = `sqlite3 /${'srv/'.repeat(60)}shop.db`

/** Everything at once that can be wrong with a log. */
const worst: SceneOptions = {
  pinnedBy: 'unknown',
  wal: {
    limitBytes: 64 * 1024 ** 2,
    backpressure: 'size',
    headroomBytes: gib,
    checkpointer: 'external',
    litestream: {
      readAtMs: Date.now(),
      error: 'connect ECONNREFUSED 127.0.0.1:9090',
      walBytes: 12_000_000,
      checkpoints: 34,
      syncErrors: 2,
      txid: 123_456,
    },
  },
}

const textOf = async (page: Page, testId: string): Promise<string> =>
  (await page.getByTestId(testId).innerText()).replaceAll('\u2009', ' ')

describe('who keeps the log', () => {
  const kinds: readonly (readonly [kind: WALHolderKind, who: string, isOfPool: boolean])[] = [
    ['lease', 'GET /api/report on connection 7', true],
    ['iterator', 'an iterator left open by GET /api/report on connection 7', true],
    ['process', 'process 4711 (sqlite3 /srv/shop/shop.db)', false],
    ['unknown', 'a reader that cannot be seen from here', false],
  ]
  for (const [pinnedBy, who, isOfPool] of kinds) {
    it(`is named: ${pinnedBy}`, async (t) => {
      const { page } = await open(t, { pinnedBy })
      const text = await textOf(page, 'wal-pin')
      assert.ok(text.includes(who), text)
      assert.match(text, /3 m \d+ s/)
      assert.match(text, /Sees frame 400; [\d,]+ frames \([\d.]+ MiB\) came after\./)
      assert.equal(/SELECT day/.test(text) && /Trace [\da-f]{8}/.test(text), isOfPool, text)
      assert.equal(await page.locator('tr.is-leak').count(), isOfPool ? 1 : 0)
    })
  }

  it('gets older in the browser', async (t) => {
    const { page } = await open(t)
    const shown = `document.querySelector('.wal-pin-age').textContent`
    const before = await page.locator('.wal-pin-age').textContent()
    await until(page, `${shown} !== ${JSON.stringify(before)}`)
  })

  it('is no alarm as long as the log is not starved', async (t) => {
    const { page } = await open(t, { wal: { isStarved: false } })
    assert.equal(await page.getByTestId('wal-pin').getAttribute('data-tone'), 'neutral')
    assert.match(await textOf(page, 'wal-pin'), /^Oldest reader/)
  })

  it('is an alarm when the log is starved, in words too', async (t) => {
    const { page } = await open(t)
    assert.equal(await page.getByTestId('wal-pin').getAttribute('data-tone'), 'crit')
    assert.match(await textOf(page, 'wal-pin'), /^Keeps the log/)
    const faults = page.getByTestId('fault-marks')
    await faults.getByRole('button', { name: /starved.*kept by GET \/api\/report/ }).waitFor()
  })

  it('is nobody in a healthy pool', async (t) => {
    const { page } = await open(t, { scenario: 'healthy' })
    await page.getByTestId('read-ladder').waitFor()
    assert.equal(await page.getByTestId('wal-pin').count(), 0)
  })
})

describe('the ladder of read slots', () => {
  it('says who reads where, with the focus as with the pointer, and to whoever listens', async (t) => {
    const { page } = await open(t)
    const ladder = page.getByTestId('read-ladder')
    const items = ladder.getByRole('listitem')
    await items.filter({ hasText: 'Slot 1 sees frame 400, the oldest: GET /api/report' }).waitFor()
    await items.filter({ hasText: /Slot 3 is free; its last reader saw frame/ }).waitFor()
    const opacity = `getComputedStyle(document.querySelector('.ladder-list')).opacity`
    assert.equal(await page.evaluate(opacity), '0')
    await ladder.getByRole('group').focus()
    assert.equal(await page.evaluate(opacity), '1')
    assert.deepEqual(await axeViolations(page), [])
    await page.getByRole('button', { name: 'Pause' }).focus()
    assert.equal(await page.evaluate(opacity), '0')
    await ladder.getByRole('group').hover()
    assert.equal(await page.evaluate(opacity), '1')
  })

  it('puts what is copied and who reads on one scale', async (t) => {
    const { page } = await open(t)
    const [copied, pin]: [number, number] = await page.evaluate(`(() => {
      const middle = (element) => (element.left + element.right) / 2
      const of = (selector) => document.querySelector(selector).getBoundingClientRect()
      return [of('.ladder-backfilled').right, middle(of('.rung-pin'))]
    })()`)
    assert.ok(Math.abs(copied - pin) <= 1, `${copied} and ${pin}`)
  })

  it('is a hint where the platform does not show it', async (t) => {
    const { page } = await open(t, { wal: { readSlots: null } })
    await page.getByText('This platform does not show who reads.').waitFor()
    assert.equal(await page.getByTestId('read-ladder').count(), 0)
  })
})

describe('a log in trouble', () => {
  it('says what is wrong, with the limit in the chart', async (t) => {
    const { page } = await open(t, worst)
    assert.match(await textOf(page, 'wal-backpressure'), /reached its limit of 64\.0 MiB/)
    assert.match(await textOf(page, 'wal-headroom'), /1\.0 GiB left/)
    assert.match(await textOf(page, 'wal-checkpointer'), /Another program checkpoints/)
    assert.match(await textOf(page, 'wal-litestream'), /34 checkpoints.*ECONNREFUSED/)
    assert.match(await textOf(page, 'last-checkpoint'), /started over 128 times/)
    await page.getByTestId('chart-wal').locator('.chart-labels').getByText('limit').waitFor()
  })

  it('draws no limit that is far away', async (t) => {
    const { page } = await open(t, { wal: { limitBytes: gib } })
    const labels = page.getByTestId('chart-wal').locator('.chart-labels')
    await labels.getByText('checkpoint').waitFor()
    assert.equal(await labels.getByText('limit').count(), 0)
  })

  it('is accessible and fits, in both themes and all sizes', async (t) => {
    const scene = await open(t, worst)
    await assertAccessible(scene.page)
    await assertFits(scene.page)
    assertBehaved(scene)
  })

  it('has room for a command line of any length', async (t) => {
    const pin = {
      slot: 1,
      frame: 400,
      lagFrames: 9000,
      sinceAtMs: Date.now() - 60_000,
      kind: 'process',
      who: `process 4711 (${longCommand})`,
      leaseId: null,
      connectionId: null,
      traceId: null,
      sql: null,
    } as const
    const slots = [{ slot: 1, frame: 400, holders: [pin.who] }]
    const { page } = await open(t, { size: sizes.phone, wal: { pin, readSlots: slots } })
    await page.getByTestId('read-ladder').getByRole('group').focus()
    await assertFits(page)
    await page.setViewportSize(sizes.phone)
    const height = (await page.getByTestId('wal-pin').boundingBox())!.height
    assert.ok(height < 140, `${height} pixels high`)
  })
})
