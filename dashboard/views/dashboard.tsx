import type { JSX } from 'preact'
import type { Page } from '../models/page.ts'
import { ConnectionsChart } from './connections-chart.tsx'
import { EventsList } from './events-list.tsx'
import { LeasesTable } from './leases-table.tsx'
import { PageFooter } from './page-footer.tsx'
import { Tiles } from './tiles.tsx'
import { TopBar } from './top-bar.tsx'
import { VerdictStrip } from './verdict-strip.tsx'
import { WaitChart } from './wait-chart.tsx'
import { WaitersTable } from './waiters-table.tsx'
import { WalPanel } from './wal-panel.tsx'

interface DashboardProps {
  readonly page: Page
  /** Changes with the theme: a canvas has to be made anew to take its colours. */
  readonly themeKey: string
}

/** The page, top to bottom: the verdict, the numbers, time, who holds what. */
export function Dashboard({ page, themeKey }: DashboardProps): JSX.Element {
  const shown = page.view.shown()
  const phase = page.feed.link.phase.value
  const isOld = (phase === 'stale' || phase === 'disconnected') && !page.view.isPaused.value
  return (
    <div class={isOld ? 'page is-old' : 'page'}>
      <TopBar page={page} />
      <main data-settled={page.feed.isLoaded.value ? 'true' : 'false'}>
        <VerdictStrip page={page} shown={shown} />
        <Tiles page={page} shown={shown} />
        <div class="grid" key={themeKey}>
          <ConnectionsChart page={page} shown={shown} />
          <WaitChart page={page} shown={shown} />
          <WalPanel page={page} shown={shown} />
          <LeasesTable shown={shown} />
          <WaitersTable shown={shown} />
          <EventsList shown={shown} />
        </div>
      </main>
      <PageFooter page={page} shown={shown} />
    </div>
  )
}
