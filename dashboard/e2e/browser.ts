import chromium from '@sparticuz/chromium'
import { chromium as playwright } from 'playwright-core'
import type { Browser, BrowserContext, Page } from 'playwright-core'

/**
 * Flags that the package sets for functions as a service: one process falls over in a longer life, a
 * graphics card made of software costs three times as much as none, and a browser without web security
 * proves nothing about ours.
 */
const unwantedFlags = new Set([
  '--single-process',
  '--no-zygote',
  '--in-process-gpu',
  '--ignore-gpu-blocklist',
  '--use-gl=angle',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
  '--disable-web-security',
  '--allow-running-insecure-content',
  '--disable-site-isolation-trials',
])

/** How long to wait for what has to come, on a machine that does much else at once. */
export const PATIENCE_MS = 60_000

export interface Size {
  readonly width: number
  readonly height: number
}

export const sizes = {
  desktop: { width: 1440, height: 900 },
  tablet: { width: 1024, height: 900 },
  phone: { width: 390, height: 844 },
  narrow: { width: 320, height: 640 },
} as const satisfies Record<string, Size>

export async function launchBrowser(): Promise<Browser> {
  return playwright.launch({
    executablePath: await chromium.executablePath(),
    args: [...chromium.args.filter((flag) => !unwantedFlags.has(flag)), '--disable-gpu'],
    headless: true,
  })
}

/** What a page did that it must not do: errors, requests to others, breaches of its own policy. */
export interface Misdeeds {
  readonly consoleErrors: string[]
  readonly foreignRequests: string[]
  readonly policyViolations: string[]
}

export interface Tab {
  readonly page: Page
  readonly context: BrowserContext
  readonly misdeeds: Misdeeds
}

/**
 * A fresh tab with nothing remembered. The locale is fixed because uPlot makes its formatters from it
 * at import, and the time zone because axes show local time.
 */
export async function openTab(
  browser: Browser,
  options: {
    readonly origin: string
    readonly size?: Size
    readonly colorScheme?: 'dark' | 'light'
    readonly reducedMotion?: 'reduce'
  },
): Promise<Tab> {
  const context = await browser.newContext({
    locale: 'en-US',
    timezoneId: 'UTC',
    viewport: options.size ?? sizes.desktop,
    colorScheme: options.colorScheme ?? 'dark',
    reducedMotion: options.reducedMotion ?? null,
  })
  context.setDefaultTimeout(PATIENCE_MS)
  const page = await context.newPage()
  const misdeeds: Misdeeds = { consoleErrors: [], foreignRequests: [], policyViolations: [] }
  page.on('console', (message) => {
    if (message.type() === 'error') misdeeds.consoleErrors.push(message.text())
  })
  page.on('pageerror', (error) => misdeeds.consoleErrors.push(error.message))
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== options.origin) {
      misdeeds.foreignRequests.push(request.url())
    }
  })
  await page.exposeFunction('reportViolation', (text: string) => {
    misdeeds.policyViolations.push(text)
  })
  await page.addInitScript(`
    document.addEventListener('securitypolicyviolation', (event) => {
      window.reportViolation(event.violatedDirective + ' ' + event.blockedURI)
    })
  `)
  return { page, context, misdeeds }
}
