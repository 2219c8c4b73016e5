import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { startServer, type ServerProcess } from '../../server/testing/server-process.ts'
import { until } from '../../server/testing/until.ts'
import { launchBrowser, openTab } from './browser.ts'

const ADMIN_TOKEN = 'f3b1c9a07d5e4826b1f09c3ad7e85416'

let browser: Browser
before(async () => {
  browser = await launchBrowser()
})
after(() => browser.close())

/** Requests until it is told to stop: more of them at once than there are connections. */
function load(url: string): { stop(): Promise<void> } {
  let isOver = false
  const client = async (path: string): Promise<void> => {
    while (!isOver) await fetch(url + path).then((response) => response.arrayBuffer())
  }
  const paths = ['/api/products/stats', '/api/products', '/api/products?category=coffee']
  const clients = Array.from({ length: 12 }, (_, i) => client(paths[i % paths.length]!))
  return {
    async stop() {
      isOver = true
      await Promise.allSettled(clients)
    },
  }
}

const number = async (page: Page, testId: string): Promise<number> =>
  Number.parseFloat((await page.getByTestId(testId).first().textContent()) ?? 'NaN')

const pointsOf = async (page: Page, chart: string): Promise<number> =>
  Number(await page.getByTestId(chart).getAttribute('data-points'))

const phaseOf = (page: Page): Promise<string | null> =>
  page.getByTestId('link-state').getAttribute('data-phase')

const authorization = { authorization: `Bearer ${ADMIN_TOKEN}` }

describe('the dashboard of the real server', () => {
  it('opens by the printed link, follows the load, shows a forced checkpoint, and outlives the server', async (t) => {
    const server = await startServer(t, { DB_POOL_SIZE: '3' })
    const { page, misdeeds } = await openTab(browser, { origin: server.url })
    await page.goto(server.link)
    await page.getByTestId('chart-wal').waitFor()
    assert.equal(new URL(page.url()).hash, '', 'the token is gone from the address')

    const running = load(server.url)
    const charts = ['chart-connections', 'chart-wait', 'chart-wal']
    const earlier = await Promise.all(charts.map((chart) => pointsOf(page, chart)))
    for (const [i, chart] of charts.entries()) {
      await until(async () => (await pointsOf(page, chart)) > earlier[i]! + 4)
    }
    // Both readers: under more callers than connections they are never idle for long.
    await until(async () => (await number(page, 'in-use')) >= 2)
    await until(async () => (await number(page, 'waiting')) > 0)

    const marks = page.getByTestId('checkpoint-marks').locator('li')
    const marksBefore = await marks.count()
    await forceCheckpoint(page)
    await until(async () => (await marks.count()) > marksBefore)
    await running.stop()
    await until(async () => (await number(page, 'waiting')) === 0)

    const port = String(server.port)
    server.kill('SIGKILL')
    await server.exited
    await until(async () => (await phaseOf(page)) !== 'live')
    const again = await startServer(t, {
      DB_POOL_SIZE: '3',
      PORT: port,
      DATABASE_PATH: server.databasePath,
    })
    assert.equal(again.url, server.url)
    await until(async () => (await phaseOf(page)) === 'live')
    const points = await pointsOf(page, 'chart-connections')
    await until(async () => (await pointsOf(page, 'chart-connections')) > points)

    assert.deepEqual(misdeeds.foreignRequests, [])
    assert.deepEqual(misdeeds.policyViolations, [])
    // The browser itself reports each refused connection while the server is away.
    const ours = misdeeds.consoleErrors.filter(
      (text) => !/ERR_CONNECTION_REFUSED|WebSocket connection/.test(text),
    )
    assert.deepEqual(ours, [])
  })

  it('shows the number in use that pool-stats has', async (t) => {
    const server = await startServer(t, { ADMIN_TOKEN, DB_POOL_SIZE: '4' })
    const { page, misdeeds } = await openTab(browser, { origin: server.url })
    await page.goto(`${server.url}/dashboard/#token=${ADMIN_TOKEN}`)
    await page.getByTestId('in-use').first().waitFor()
    const running = load(server.url)
    // The load moves between two looks, so equal is what both must be at some moment, busy and idle.
    await until(async () => {
      const { inUse } = await poolStats(server)
      return inUse > 0 && inUse === (await number(page, 'in-use'))
    })
    await running.stop()
    await until(
      async () => (await poolStats(server)).inUse === 0 && (await number(page, 'in-use')) === 0,
    )
    assert.deepEqual(misdeeds, { consoleErrors: [], foreignRequests: [], policyViolations: [] })
  })
})

/** Through the page, as an operator does. */
async function forceCheckpoint(page: Page): Promise<void> {
  await page
    .getByRole('button', { name: /^Checkpoint/ })
    .first()
    .click()
  const dialog = page.getByRole('dialog')
  await dialog
    .getByRole('button', { name: /^(Run|Checkpoint|PASSIVE)/i })
    .last()
    .click()
  await page.getByTestId('checkpoint-report').waitFor()
  await page.keyboard.press('Escape')
}

async function poolStats(server: ServerProcess): Promise<{ inUse: number }> {
  const response = await fetch(`${server.url}/api/admin/pool-stats`, { headers: authorization })
  return (await response.json()) as { inUse: number }
}
