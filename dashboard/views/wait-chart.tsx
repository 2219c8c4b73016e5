import type { JSX } from 'preact'
import type { ChartSpec } from '../components/chart-spec.ts'
import { duration, toText } from '../format.ts'
import type { Page } from '../models/page.ts'
import type { Shown } from '../models/page-view.ts'
import { chartFrame } from './chart-frame.ts'
import { ChartPanel } from './chart-panel.tsx'
import { waitScale } from './scales.ts'

const names = ['waitP99Ms', 'waitP95Ms', 'waitP50Ms'] as const
const format = (value: number | null): string => toText(duration(value))

const spec: ChartSpec = {
  scale: waitScale,
  lines: [
    { label: 'p99', color: 'series-waiting', widthPx: 2, format },
    { label: 'p95', color: 'series-in-use', widthPx: 1.25, format },
    { label: 'p50', color: 'series-checkpoint', widthPx: 1.25, dash: [2, 3], format },
  ],
}

interface WaitChartProps {
  readonly page: Page
  readonly shown: Shown
}

/** How long callers waited for a connection. */
export function WaitChart({ page, shown }: WaitChartProps): JSX.Element {
  const timeoutMs = page.feed.hello.value?.limits.acquireTimeoutMs ?? null
  const references = timeoutMs === null ? [] : [{ value: timeoutMs, label: 'timeout' }]
  return (
    <ChartPanel
      page={page}
      name="wait"
      title="Wait time"
      unit="acquire, log scale"
      spec={spec}
      frame={chartFrame(shown, names, { references })}
      emptyText="Nobody has acquired a connection in this window. Send a query, and its wait appears here."
    />
  )
}
