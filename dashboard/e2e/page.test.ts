import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import { SERIES } from '../../telemetry/protocol.ts'
import { axeViolations } from './axe.ts'
import { launchBrowser, openTab } from './browser.ts'
import { valuesAt } from './fixture-values.ts'
import {
  assertAccessible,
  assertBehaved,
  assertFits,
  buildPage,
  linkPhase,
  openLiveIn,
  openSceneIn,
  until,
} from './scene.ts'
import type { Scene, SceneOptions } from './scene.ts'

const root = join(import.meta.dirname, '..', '..')
const charts = ['chart-connections', 'chart-wait', 'chart-wal'] as const

let browser: Browser

before(async () => {
  await buildPage()
  browser = await launchBrowser()
})
after(() => browser.close())

const openScene = (t: TestContext, options?: SceneOptions): Promise<Scene> =>
  openSceneIn(browser, t, options)
const openLive = (t: TestContext, options?: SceneOptions): Promise<Scene> =>
  openLiveIn(browser, t, options)

const within = (testId: string): string => `document.querySelector('[data-testid="${testId}"]')`

const lastAtMs = async (page: Page, testId: string): Promise<number> =>
  Number(await page.getByTestId(testId).getAttribute('data-last-at-ms'))

describe('the dashboard in a browser', () => {
  it('opens by the link, once, and forgets the token', async (t) => {
    const scene = await openLive(t)
    const { page, server } = scene
    assert.equal(page.url(), server.dashboardUrl)
    await page.reload()
    await linkPhase(page, 'live')
    assertBehaved(scene)
    const other = await openTab(browser, { origin: server.origin })
    t.after(() => other.context.close())
    await other.page.goto(server.link)
    await other.page.getByText('was used already').waitFor()
  })

  it('draws new points as they come, in every chart', async (t) => {
    const scene = await openLive(t)
    for (let round = 0; round < 3; round += 1) {
      for (const chart of charts) {
        const seen = await lastAtMs(scene.page, chart)
        await until(scene.page, `Number(${within(chart)}.dataset.lastAtMs) > ${seen}`)
      }
    }
    for (const chart of charts) {
      assert.ok(Number(await scene.page.getByTestId(chart).getAttribute('data-points')) > 1000)
    }
    assert.ok(scene.server.acks.length > 0, 'frames were acknowledged')
    assertBehaved(scene)
  })

  it('shows the numbers that the server sent', async (t) => {
    const { page } = await openLive(t)
    const read = `({
      atMs: Number(${within('chart-connections')}.dataset.lastAtMs),
      inUse: ${within('in-use')}.firstChild.textContent,
      limit: ${within('limit')}.textContent,
      waiting: ${within('waiting')}.firstChild.textContent,
    })`
    for (let round = 0; round < 8; round += 1) {
      const shown: { atMs: number; inUse: string; limit: string; waiting: string } =
        await page.evaluate(read)
      const sent = valuesAt('healthy', shown.atMs, 0)
      const value = (name: string): number | null | undefined =>
        sent[SERIES.findIndex((series) => series.name === name)]
      assert.deepEqual(
        [shown.inUse, shown.limit, shown.waiting],
        [String(value('inUse')), String(value('limit')), String(value('waiting'))],
      )
      await until(page, `Number(${within('chart-connections')}.dataset.lastAtMs) > ${shown.atMs}`)
    }
  })

  it('draws ink where the numbers are, in all three charts', async (t) => {
    const { page } = await openLive(t)
    const colors: number[] =
      await page.evaluate(`[...document.querySelectorAll('canvas')].map((canvas) => {
      const { data } = canvas.getContext('2d').getImageData(60, 10, canvas.width - 80, canvas.height - 40)
      const seen = new Set()
      for (let i = 0; i < data.length; i += 4) if (data[i + 3] === 255) seen.add(data[i] << 16 | data[i + 1] << 8 | data[i + 2])
      return seen.size
    })`)
    assert.equal(colors.length, 3)
    for (const count of colors) assert.ok(count > 3, `${count} colours`)
  })

  it('draws a gap where frames were lost and nobody measured', async (t) => {
    const scene = await openLive(t)
    const { page, server } = scene
    server.loseFrames({ isMeasured: false })
    await until(page, `${within('chart-connections')}.dataset.gaps === '1'`)
    server.stopLosing()
    const brokenAtMs = server.lastTickAtMs
    await until(page, `Number(${within('chart-wal')}.dataset.lastAtMs) > ${brokenAtMs + 3000}`)
    for (const chart of charts) {
      assert.equal(await page.getByTestId(chart).getAttribute('data-gaps'), '1')
    }
    assertBehaved(scene)
  })

  it('fills a gap from the history when the server did measure', async (t) => {
    const { page, server } = await openLive(t)
    server.loseFrames({ isMeasured: true })
    await until(page, `${within('chart-connections')}.dataset.gaps === '1'`)
    server.stopLosing()
    await until(page, `${within('chart-connections')}.dataset.gaps === '0'`)
  })

  it('says that it is disconnected, stays readable, and resumes by itself', async (t) => {
    const { page, server } = await openLive(t)
    server.goAway()
    await linkPhase(page, 'disconnected')
    assert.match(await page.getByTestId('link-state').innerText(), /Disconnected/)
    assert.match(await page.getByTestId('verdict').innerText(), /as of \d\d:\d\d:\d\d/)
    server.comeBack()
    await linkPhase(page, 'live')
    await until(page, `${within('chart-connections')}.dataset.gaps === '0'`)
  })

  it('marks a restart and goes on with a cookie that still stands', async (t) => {
    const { page, server } = await openLive(t)
    server.goAway()
    await linkPhase(page, 'disconnected')
    server.restart({ keepsSessions: true })
    await linkPhase(page, 'live')
    await page
      .getByTestId('change-marks')
      .getByRole('button', { name: /Server restarted/ })
      .waitFor()
    const seen = await lastAtMs(page, 'chart-connections')
    await until(page, `Number(${within('chart-connections')}.dataset.lastAtMs) > ${seen}`)
  })

  it('leads back to the login when a restart has ended the session', async (t) => {
    const { page, server } = await openLive(t)
    server.goAway()
    await linkPhase(page, 'disconnected')
    server.restart({ keepsSessions: false })
    await page.getByText('Your session has ended').waitFor()
    await page.getByLabel('Token').fill(server.token)
    await page.getByRole('button', { name: 'Log in' }).click()
    await linkPhase(page, 'live')
  })

  it('leads back to the login when the session ends on a live stream', async (t) => {
    const { page, server } = await openLive(t)
    server.endSessions()
    await page.getByText('Your session has ended').waitFor()
  })

  it('offers to reload when the server has moved on', async (t) => {
    const { page, server } = await openLive(t)
    server.askForReload()
    await page.getByRole('button', { name: /^Reload/ }).click()
    await page.getByRole('button', { name: /^Reload/ }).waitFor({ state: 'detached' })
    await linkPhase(page, 'live')
  })

  it('says that it is stale when the stream is silent', async (t) => {
    const { page, server } = await openLive(t)
    server.fallSilent(true)
    await linkPhase(page, 'stale')
    server.fallSilent(false)
    await linkPhase(page, 'live')
  })

  it('explains a token that does not work', async (t) => {
    const { page, server } = await openScene(t)
    await page.goto(server.dashboardUrl)
    const message = page.getByTestId('login-message')
    await page.getByLabel('Token').fill('wrong')
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByText('This token is wrong').waitFor()
    await page.getByLabel('Token').fill('too-often')
    await page.getByLabel('Token').press('Enter')
    await page.getByText('Wait 12 s').waitFor()
    assert.equal(await message.getAttribute('role'), 'alert')
  })

  it('freezes the view when paused and goes on recording', async (t) => {
    const { page, server } = await openLive(t)
    await page.getByRole('button', { name: 'Pause' }).click()
    const frozen = await lastAtMs(page, 'chart-connections')
    await page.getByText(/\+1\.\d.s/).waitFor()
    assert.equal(await lastAtMs(page, 'chart-connections'), frozen)
    await page.getByRole('button', { name: /Resume/ }).click()
    await until(page, `Number(${within('chart-connections')}.dataset.lastAtMs) > ${frozen + 1000}`)
    assert.equal(await page.getByTestId('chart-connections').getAttribute('data-gaps'), '0')
    assert.ok(server.viewerCount > 0)
  })

  it('keeps the range in its address, and reads it from there', async (t) => {
    const { page, server } = await openLive(t)
    await page.getByRole('button', { name: '1h' }).click()
    await page.waitForURL(`${server.dashboardUrl}?range=1h`)
    await until(page, `Number(${within('chart-wait')}.dataset.points) > 3000`)
    await page.reload()
    await page.getByRole('button', { name: '1h', pressed: true }).waitFor()
  })

  it('zooms all charts to what was dragged over, and back', async (t) => {
    const { page } = await openLive(t)
    const box = (await page.getByTestId('chart-connections').boundingBox())!
    await page.mouse.move(box.x + 400, box.y + 80)
    await page.mouse.down()
    await page.mouse.move(box.x + 700, box.y + 90, { steps: 5 })
    await page.mouse.up()
    await page.getByRole('button', { name: /Resume/ }).waitFor()
    const notes = await page.locator('.panel-note').allInnerTexts()
    const zoomed = notes.filter((note) => /\d\d:\d\d:\d\d – \d\d:\d\d:\d\d/.test(note))
    assert.equal(zoomed.length, 3)
    assert.equal(new Set(zoomed.map((note) => note.split(' · ')[1])).size, 1)
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Pause' }).waitFor()
  })

  it('reads single points by keyboard, in all charts at once', async (t) => {
    const { page } = await openLive(t)
    await page.getByTestId('chart-wait').getByRole('group').focus()
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('Shift+ArrowLeft')
    assert.equal(await page.locator('.readout-cursor').count(), 3)
    const times = await page.locator('.readout-time').allInnerTexts()
    assert.equal(new Set(times).size, 1)
  })

  it('runs a checkpoint for an admin, says what came of it, and marks it', async (t) => {
    // Nothing but ours is checkpointed there.
    const scene = await openLive(t, { access: 'admin', scenario: 'empty' })
    const { page, server } = scene
    await page.getByRole('button', { name: 'Checkpoint…' }).click()
    await page.getByLabel('TRUNCATE').check()
    await page.getByRole('button', { name: 'Run TRUNCATE' }).click()
    await page.getByText('TRUNCATE: complete, the log starts over').waitFor()
    assert.deepEqual(server.checkpoints, [{ mode: 'TRUNCATE' }])
    assert.deepEqual(await axeViolations(page), [])
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    const mark = page
      .getByTestId('checkpoint-marks')
      .getByRole('button', { name: /TRUNCATE checkpoint \(manual\).*612 of 612 frames/ })
    await mark.waitFor()
    await mark.focus()
    await page.locator('.mark:focus-within .tip').waitFor()
    await page.getByTestId('last-checkpoint').filter({ hasText: 'Last: TRUNCATE' }).waitFor()
    await page.getByTestId('events').getByText('TRUNCATE checkpoint (manual)').waitFor()
    assertBehaved(scene)
  })

  it('offers a viewer no checkpoint', async (t) => {
    const { page } = await openLive(t, { access: 'viewer' })
    assert.equal(await page.getByRole('button', { name: 'Checkpoint…' }).count(), 0)
  })

  it('works below a path that a proxy strips', async (t) => {
    const scene = await openLive(t, { prefix: '/x/y' })
    assertBehaved(scene)
  })

  it('tells a starved pool at a glance', async (t) => {
    const { page } = await openLive(t, { scenario: 'starved' })
    assert.equal(await page.getByTestId('verdict').getAttribute('data-level'), 'act')
    assert.equal(await page.locator('tr.is-leak').count(), 1)
    assert.ok((await page.locator('.waiters tbody tr').count()) > 5)
    assert.ok((await page.getByTestId('fault-marks').locator('li').count()) > 0)
  })

  it('says what will appear where there is nothing yet', async (t) => {
    const { page } = await openLive(t, { scenario: 'empty' })
    await page.getByText('Nobody has acquired a connection in this window').waitFor()
    assert.equal(await page.getByTestId('wait-p99').locator('.quantity').innerText(), '–')
  })

  it('has the numbers of each chart in a table', async (t) => {
    const { page } = await openLive(t)
    const panel = page.locator('.panel-connections')
    await panel.getByText('Table').click()
    const row = panel.getByRole('row', { name: /^limit/ })
    assert.deepEqual(await row.getByRole('cell').allInnerTexts(), ['8', '8', '8', '8'])
  })
})

describe('every state', () => {
  for (const scenario of ['healthy', 'starved', 'wal-pinned', 'empty'] as const) {
    it(`is accessible and fits, in both themes and all sizes: ${scenario}`, async (t) => {
      const scene = await openLive(t, { scenario })
      await assertAccessible(scene.page)
      await assertFits(scene.page)
      assertBehaved(scene)
    })
  }

  it('is accessible: login and disconnected', async (t) => {
    const { page, server } = await openScene(t)
    await page.goto(server.dashboardUrl)
    await page.getByLabel('Token').fill(server.token)
    await assertAccessible(page)
    await page.getByLabel('Token').press('Enter')
    await linkPhase(page, 'live')
    server.goAway()
    await linkPhase(page, 'disconnected')
    await assertAccessible(page)
  })

  it('moves nothing when asked not to', async (t) => {
    const { page } = await openLive(t, { reducedMotion: 'reduce', scenario: 'starved' })
    const moving: number = await page.evaluate(`[...document.querySelectorAll('*')].filter(
      (element) => getComputedStyle(element).transitionDuration !== '0s',
    ).length + document.getAnimations().length`)
    assert.equal(moving, 0)
  })
})

describe('the bundle', () => {
  it('stays within its budget and holds nothing inline', () => {
    const assets = join(root, 'dist', 'dashboard', 'assets')
    const gzippedBytes = (extension: string): number =>
      readdirSync(assets)
        .filter((name) => name.endsWith(extension))
        .map((name) => gzipSync(readFileSync(join(assets, name)), { level: 9 }).length)
        .reduce((sum, length) => sum + length, 0)
    assert.ok(gzippedBytes('.js') <= 60 * 1024, `${gzippedBytes('.js')} bytes of script`)
    assert.ok(gzippedBytes('.css') <= 8 * 1024, `${gzippedBytes('.css')} bytes of style`)
    const html = readFileSync(join(root, 'dist', 'dashboard', 'index.html'), 'utf8')
    assert.doesNotMatch(html, /<style|style=|<script(?![^>]*\ssrc=)|data:/)
  })
})
