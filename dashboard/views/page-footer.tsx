import type { JSX } from 'preact'
import { age, duration, group, plural, toText } from '../format.ts'
import type { Page } from '../models/page.ts'
import type { Shown } from '../models/page-view.ts'

interface PageFooterProps {
  readonly page: Page
  readonly shown: Shown
}

/** What one wants to know now and then. */
export function PageFooter({ page, shown }: PageFooterProps): JSX.Element {
  const { feed } = page
  const { state } = shown
  const hello = feed.hello.value
  const facts = [
    state === null ? '' : `Pool ${state.poolState}`,
    hello === null ? '' : `up ${toText(age(shown.atMs - hello.startedAtMs))}`,
    state === null ? '' : plural(state.viewers, 'viewer'),
    state === null ? '' : `${group(state.totals.acquired)} acquired`,
    state === null ? '' : `${group(state.totals.timedOut)} timed out`,
    state === null ? '' : plural(state.totals.checkpoints, 'checkpoint'),
    feed.serverClock.isNotable
      ? `this clock is ${toText(duration(Math.abs(feed.serverClock.offsetMs)))} off the server’s; times are the server’s`
      : '',
  ]
  return (
    <footer class="page-footer">
      {facts
        .filter((fact) => fact !== '')
        .map((fact) => (
          <span key={fact}>{fact}</span>
        ))}
    </footer>
  )
}
