import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { effect } from '@preact/signals'
import type { ReadonlySignal } from '@preact/signals'
import type { JSX } from 'preact'
import type { ChartFrame, ChartSpec } from './chart-spec.ts'
import { TimeChart } from './time-chart.ts'
import type { ChartEvents } from './time-chart.ts'

export interface ChartProps extends ChartEvents {
  readonly spec: ChartSpec
  readonly frame: ChartFrame
  /** Moment under the pointer, shared by all charts. */
  readonly cursorAtMs: ReadonlySignal<number | null>
  /** What the chart shows, in a sentence. */
  readonly summary: string
}

/** A chart is drawn a little before it comes into sight, so that nobody sees it empty. */
const SIGHT_MARGIN = '400px'

/** A chart over time. It draws only while it is in sight, and makes itself anew when the theme changes. */
export function Chart(props: ChartProps): JSX.Element {
  const { frame, cursorAtMs } = props
  const host = useRef<HTMLDivElement>(null)
  const labels = useRef<HTMLDivElement>(null)
  const chart = useRef<TimeChart | null>(null)
  const isInSight = useRef(true)
  const latest = useRef(props)
  latest.current = props

  useLayoutEffect(() => {
    const events: ChartEvents = {
      onCursor: (atMs) => latest.current.onCursor(atMs),
      onZoom: (fromMs, toMs) => latest.current.onZoom(fromMs, toMs),
      onZoomOut: () => latest.current.onZoomOut(),
    }
    const element = host.current!
    const made = new TimeChart(
      { host: element, labels: labels.current! },
      latest.current.spec,
      events,
    )
    chart.current = made
    const sizes = new ResizeObserver(() => {
      made.resize()
    })
    sizes.observe(element)
    const sight = new IntersectionObserver(
      ([entry]) => {
        isInSight.current = entry?.isIntersecting ?? true
        if (isInSight.current) made.draw(latest.current.frame)
      },
      { rootMargin: SIGHT_MARGIN },
    )
    sight.observe(element)
    return () => {
      sizes.disconnect()
      sight.disconnect()
      made.destroy()
      chart.current = null
    }
  }, [])

  useLayoutEffect(() => {
    if (isInSight.current) chart.current?.drawIfSeen(frame)
  }, [frame])

  useEffect(() => effect(() => chart.current?.showCursor(cursorAtMs.value)), [cursorAtMs])

  return (
    <div
      class="chart"
      role="group"
      tabIndex={0}
      aria-label={`${props.summary} Arrow keys read single points.`}
      onKeyDown={(event) => moveCursor(event, props)}
      onBlur={() => props.onCursor(null)}
    >
      <div class="chart-plot" ref={host} />
      <div class="chart-labels" ref={labels} aria-hidden="true" />
    </div>
  )
}

/** Arrow keys go from point to point, with Shift ten at a time. */
function moveCursor(event: KeyboardEvent, props: ChartProps): void {
  const direction = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : 0
  if (direction === 0) return
  event.preventDefault()
  const { atMs, span } = props.frame
  const from = props.cursorAtMs.value ?? span.toMs
  const here = atMs.findLastIndex((at) => at <= from)
  const next = atMs[Math.max(0, here + direction * (event.shiftKey ? 10 : 1))]
  if (next !== undefined && next >= span.fromMs && next <= span.toMs) props.onCursor(next)
}
