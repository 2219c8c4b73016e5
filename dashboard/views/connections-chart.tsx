import type { JSX } from 'preact'
import type { ChartSpec } from '../components/chart-spec.ts'
import { count, toText } from '../format.ts'
import type { Page } from '../models/page.ts'
import type { Shown } from '../models/page-view.ts'
import { chartFrame } from './chart-frame.ts'
import { ChartPanel } from './chart-panel.tsx'
import { Lanes } from './lanes.tsx'
import { countScale } from './scales.ts'

const names = ['inUse', 'idle', 'limit', 'waiting'] as const
const format = (value: number | null): string => toText(count(value))

const spec: ChartSpec = {
  scale: countScale,
  lines: [
    { label: 'in use', color: 'series-in-use', widthPx: 1.5, isFilled: true, format },
    { label: 'idle', color: 'series-limit', widthPx: 1, dash: [2, 3], format },
    { label: 'limit', color: 'series-limit', widthPx: 1.25, dash: [6, 4], format },
    { label: 'waiting', color: 'series-waiting', widthPx: 2, format },
  ],
}

interface ConnectionsChartProps {
  readonly page: Page
  readonly shown: Shown
}

/** Connections and the callers that wait for them on one axis: above the limit means saturated. */
export function ConnectionsChart({ page, shown }: ConnectionsChartProps): JSX.Element {
  return (
    <ChartPanel
      page={page}
      name="connections"
      title="Connections"
      unit="connections and callers"
      spec={spec}
      frame={chartFrame(shown, names)}
      emptyText="Nothing measured in this window yet. The first second of the pool appears here."
    >
      <Lanes shown={shown} />
    </ChartPanel>
  )
}
