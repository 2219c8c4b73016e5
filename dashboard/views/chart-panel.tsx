import { useRef } from 'preact/hooks'
import type { ComponentChildren, JSX } from 'preact'
import { Chart } from '../components/chart.tsx'
import type { ChartFrame, ChartSpec } from '../components/chart-spec.ts'
import { ValuesTable } from '../components/values-table.tsx'
import { timeOfDay } from '../format.ts'
import type { Page } from '../models/page.ts'
import { VALUE_COLUMNS, chartSentence, pointFacts, readout, valueRows } from './chart-numbers.ts'

interface ChartPanelProps {
  readonly page: Page
  readonly name: string
  readonly title: string
  /** What is measured, and in what: `connections`, `log scale`. */
  readonly unit: string
  readonly spec: ChartSpec
  readonly frame: ChartFrame
  /** Said in place of the chart's emptiness. */
  readonly emptyText: string
  readonly actions?: ComponentChildren
  readonly children?: ComponentChildren
}

/** A panel with a chart: what it shows and of when, the chart, and the same as a table. */
export function ChartPanel(props: ChartPanelProps): JSX.Element {
  const { page, name, title, spec, frame } = props
  const { view, feed } = page
  const facts = pointFacts(frame)
  const sentence = useCalm(() => chartSentence(title, spec, frame), frame)
  const hasData = facts.pointCount > 0
  const zoom = view.zoom.value
  const window =
    zoom === null ? view.range.value.words : `${timeOfDay(zoom.fromMs)} – ${timeOfDay(zoom.toMs)}`
  return (
    <section class={`panel panel-${name}`} id={name}>
      <header class="panel-head">
        <h2>{title}</h2>
        <span class="panel-note">
          {props.unit} · {window}
        </span>
        <Readout page={page} spec={spec} frame={frame} />
        {props.actions}
      </header>
      <figure
        class="chart-figure"
        aria-label={sentence}
        data-testid={`chart-${name}`}
        data-points={facts.pointCount}
        data-last-at-ms={facts.lastAtMs ?? ''}
        data-gaps={frame.gaps.length}
      >
        <Chart
          spec={spec}
          frame={frame}
          cursorAtMs={view.cursorAtMs}
          summary={title}
          onCursor={(atMs) => {
            view.cursorAtMs.value = atMs
          }}
          onZoom={(fromMs, toMs) => view.zoomTo(fromMs, toMs)}
          onZoomOut={() => {
            if (zoom !== null) view.resume()
          }}
        />
        {!hasData && (
          <p class="chart-empty">
            <span>{feed.isLoaded.value ? props.emptyText : 'Loading the history…'}</span>
          </p>
        )}
      </figure>
      {props.children}
      <ValuesTable
        caption={`${title}, ${window}`}
        columns={VALUE_COLUMNS}
        rows={() => valueRows(spec, frame)}
      />
    </section>
  )
}

interface ReadoutProps {
  readonly page: Page
  readonly spec: ChartSpec
  readonly frame: ChartFrame
}

/** The values under the pointer, or the newest where labels at the lines have no room. */
function Readout({ page, spec, frame }: ReadoutProps): JSX.Element {
  const cursorAtMs = page.view.cursorAtMs.value
  const { span } = frame
  const isOver = cursorAtMs !== null && cursorAtMs >= span.fromMs && cursorAtMs <= span.toMs
  const values = readout(spec, frame, isOver ? cursorAtMs : span.toMs)
  return (
    <p class={isOver ? 'readout readout-cursor' : 'readout'}>
      {isOver && <time class="readout-time">{timeOfDay(cursorAtMs)}</time>}
      {values.map(({ label, color, text }) => (
        <span key={label} class="readout-value">
          <i class={`swatch fill-${color}`} aria-hidden="true" />
          {label} <b>{text}</b>
        </span>
      ))}
    </p>
  )
}

const CALM_MS = 30_000

/** What `say` says, but not more often than someone can listen to it. */
function useCalm(say: () => string, frame: ChartFrame): string {
  const { toMs } = frame.span
  const said = useRef({ sentence: '', atMs: Number.NEGATIVE_INFINITY, isEmpty: true })
  const isEmpty = frame.atMs.length === 0
  if (Math.abs(toMs - said.current.atMs) >= CALM_MS || isEmpty !== said.current.isEmpty) {
    said.current = { sentence: say(), atMs: toMs, isEmpty }
  }
  return said.current.sentence
}
