import 'uplot/dist/uPlot.min.css'
import './styles/tokens.css'
import './styles/base.css'
import './styles/page.css'
import './styles/panel.css'
import './styles/chart.css'
import './styles/lanes.css'
import './styles/wal.css'
import './styles/tables.css'
import './styles/events.css'
import './styles/dialog.css'
import { effect, signal, untracked } from '@preact/signals'
import { render } from 'preact'
import { App } from './app.tsx'
import { openBrowserSocket } from './browser-socket.ts'
import { onKey } from './keyboard.ts'
import { Api } from './models/api.ts'
import { CheckpointCommand } from './models/checkpoint-command.ts'
import { FramePipeline } from './models/frame-pipeline.ts'
import type { Page } from './models/page.ts'
import { PageView } from './models/page-view.ts'
import { PoolFeed } from './models/pool-feed.ts'
import { Session } from './models/session.ts'
import { ThemeChoice } from './models/theme-choice.ts'
import { readToken, readUrl, writeUrl } from './models/url-state.ts'

const AGES_EVERY_MS = 1000

const api = new Api((address, init) => fetch(address, init))
const session = new Session(api)
const url = readUrl(location.search)
const theme = new ThemeChoice(url.theme, browserMemory())
const expire = (): void => session.expire()

const feed: PoolFeed = new PoolFeed({
  api,
  clock: {
    nowMs: () => Date.now(),
    setTimer: (fn, delayMs) => setTimeout(fn, delayMs),
    clearTimer: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
  },
  random: () => Math.random(),
  openSocket: openBrowserSocket,
  range: () => view.range.value,
  onChange: () => pipeline.markDirty(),
  onUnauthenticated: expire,
})
const view = new PageView(feed, url.range)
const pipeline = new FramePipeline({ request: (fn) => requestAnimationFrame(fn) }, () => {
  view.frame.value += 1
})
const page: Page = {
  api,
  session,
  feed,
  view,
  theme,
  checkpoint: new CheckpointCommand(api, expire),
  nowMs: () => Date.now(),
}

// A token is for one use and not for the history of a browser: it leaves the address at once.
const token = readToken(location.hash)
if (token !== null) history.replaceState(null, '', location.pathname + location.search)

const lightQuery = matchMedia('(prefers-color-scheme: light)')
const systemShade = signal<'dark' | 'light'>(lightQuery.matches ? 'light' : 'dark')
lightQuery.addEventListener('change', () => {
  systemShade.value = lightQuery.matches ? 'light' : 'dark'
})
const shade = signal<'dark' | 'light'>('dark')
effect(() => {
  const chosen = theme.theme.value
  document.documentElement.dataset['theme'] = chosen
  shade.value = chosen === 'auto' ? systemShade.value : chosen
})

effect(() => {
  const search = writeUrl(location.search, { range: view.range.value.name })
  if (search !== location.search) {
    history.replaceState(null, '', location.pathname + search + location.hash)
  }
})

effect(() => {
  const isSignedIn = session.status.value === 'signed_in'
  untracked(() => {
    if (isSignedIn) void feed.start()
    else feed.stop()
  })
})

let shownRange = view.range.value
effect(() => {
  if (view.range.value === shownRange) return
  shownRange = view.range.value
  untracked(() => {
    if (feed.isLoaded.value) void feed.fetchHistory()
  })
})

// Ages tick, and what has gone silent gets older, also when nothing comes in.
setInterval(() => {
  if (!document.hidden) pipeline.markDirty()
}, AGES_EVERY_MS)

const lookAgain = (): void => {
  feed.link.wake()
  if (session.status.value === 'signed_out') void session.resume()
}
addEventListener('online', lookAgain)
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) lookAgain()
})
document.addEventListener('keydown', (event) => {
  if (session.status.value === 'signed_in') onKey(event, page)
})

render(<App page={page} shade={shade} />, document.getElementById('app')!)
await session.start(token)

function browserMemory(): Storage | null {
  try {
    return localStorage
  } catch {
    return null
  }
}
