import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { axeViolations } from './axe.ts'
import { PATIENCE_MS, openTab, sizes } from './browser.ts'
import type { Tab } from './browser.ts'
import { startFixture } from './fixture-server.ts'
import type { FixtureOptions, FixtureServer } from './fixture-server.ts'

/** Builds the page if it is older than its sources. */
export async function buildPage(): Promise<void> {
  // Plain JavaScript without types, because it runs before anything is installed.
  const setup = (await import(new URL('../../server/setup.mjs', import.meta.url).href)) as {
    ensureBuilt(): void
  }
  setup.ensureBuilt()
}

/** A tab, and the server that it looks at. */
export interface Scene extends Tab {
  readonly server: FixtureServer
}

export type SceneOptions = FixtureOptions & Omit<Parameters<typeof openTab>[1], 'origin'>

export async function openSceneIn(
  browser: Browser,
  t: TestContext,
  options: SceneOptions = {},
): Promise<Scene> {
  const server = await startFixture(options)
  t.after(() => server.stop())
  const tab = await openTab(browser, { ...options, origin: server.origin })
  t.after(() => tab.context.close())
  return { ...tab, server }
}

/** A page that was opened by the link and is live. */
export async function openLiveIn(
  browser: Browser,
  t: TestContext,
  options?: SceneOptions,
): Promise<Scene> {
  const scene = await openSceneIn(browser, t, options)
  await scene.page.goto(scene.server.link)
  await linkPhase(scene.page, 'live')
  await scene.page.locator('main[data-settled=true]').waitFor()
  return scene
}

export const linkPhase = (page: Page, phase: string): Promise<void> =>
  page.locator(`[data-testid=link-state][data-phase=${phase}]`).waitFor()

/** Waits in the page for an expression to be true. Playwright's own way of it needs `eval`, which the policy forbids. */
export async function until(page: Page, expression: string): Promise<void> {
  const isTrue: boolean = await page.evaluate(`(async () => {
    const endMs = performance.now() + ${PATIENCE_MS}
    while (!(${expression})) {
      if (performance.now() > endMs) return false
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
    return true
  })()`)
  assert.ok(isTrue, `in vain: ${expression}`)
}

export const assertBehaved = ({ misdeeds }: Tab): void =>
  assert.deepEqual(misdeeds, { consoleErrors: [], foreignRequests: [], policyViolations: [] })

/** In both themes, wide and narrow. */
export async function assertAccessible(page: Page): Promise<void> {
  for (const colorScheme of ['dark', 'light'] as const) {
    // Colours change by a transition, and half-way between two themes nothing has its contrast.
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    for (const size of [sizes.desktop, sizes.phone]) {
      await page.setViewportSize(size)
      assert.deepEqual(await axeViolations(page), [], `${colorScheme}, ${size.width}`)
    }
  }
}

/** Nothing is wider than the page, at any of its sizes. */
export async function assertFits(page: Page): Promise<void> {
  for (const size of Object.values(sizes)) {
    await page.setViewportSize(size)
    const width: number = await page.evaluate('document.documentElement.scrollWidth')
    assert.ok(width <= size.width, `${width} in ${size.width}`)
  }
}
