import uPlot from 'uplot'
import { FONT, paintUnderlay, readPalette } from './chart-paint.ts'
import type { Palette } from './chart-paint.ts'
import type { ChartFrame, ChartSpec, ColorToken } from './chart-spec.ts'
import { EndLabels } from './end-labels.ts'
import type { EndLabel } from './end-labels.ts'
import { TIME_STEPS_MS, timeLabels, timeSplits } from './time-axis.ts'

/** Left of the plot, for the labels of the axis. The lanes below a chart stand on the same line. */
const AXIS_WIDTH_PX = 52
/** Right of the plot, for the labels at the ends of the lines. */
const LABEL_WIDTH_PX = 124
const NARROW_PX = 600
const NARROW_RIGHT_PX = 10
const SHORTEST_DRAG_PX = 6
/** A window in so many parts: twice as many as a wide plot has pixels. */
const UNSEEN_PARTS = 2800

export interface ChartEvents {
  /** The pointer is over this moment; `null` when it left. */
  onCursor(atMs: number | null): void
  onZoom(fromMs: number, toMs: number): void
  onZoomOut(): void
}

const emptyFrame: ChartFrame = {
  atMs: [],
  columns: [],
  span: { fromMs: 0, toMs: 1 },
  gaps: [],
  references: [],
  moments: [],
}

/** uPlot with our axes, limits, gaps and labels. The only file that knows uPlot's options. */
export class TimeChart {
  readonly #spec: ChartSpec
  readonly #plot: uPlot
  readonly #labels: EndLabels
  readonly #palette: Palette
  readonly #host: HTMLElement
  #frame = emptyFrame
  #isHovered = false

  constructor(
    elements: { readonly host: HTMLElement; readonly labels: HTMLElement },
    spec: ChartSpec,
    events: ChartEvents,
  ) {
    this.#spec = spec
    this.#host = elements.host
    this.#palette = readPalette(elements.host)
    this.#labels = new EndLabels(elements.labels)
    const data = [[], ...spec.lines.map(() => [])] as unknown as uPlot.AlignedData
    this.#plot = new uPlot(this.#options(events), data, elements.host)
    this.#plot.over.addEventListener('mouseenter', () => {
      this.#isHovered = true
    })
    this.#plot.over.addEventListener('mouseleave', () => {
      this.#isHovered = false
      events.onCursor(null)
    })
  }

  draw(frame: ChartFrame): void {
    this.#frame = frame
    this.#plot.batch(() => {
      this.#plot.setData([frame.atMs, ...frame.columns] as uPlot.AlignedData, false)
      this.#plot.setScale('x', { min: frame.span.fromMs, max: frame.span.toMs })
    })
  }

  /** As `draw`, unless so little time has passed that no line would move by half a pixel. */
  drawIfSeen(frame: ChartFrame): void {
    const before = this.#frame
    const isSameSpan = spanMs(frame) === spanMs(before)
    const isSameElse =
      frame.gaps.length === before.gaps.length &&
      frame.moments.length === before.moments.length &&
      frame.references.length === before.references.length
    const movedMs = frame.span.toMs - before.span.toMs
    const isUnseen = movedMs > 0 && movedMs < spanMs(frame) / UNSEEN_PARTS
    if (!(isSameSpan && isSameElse && isUnseen)) this.draw(frame)
  }

  /** Fits the chart into its element. */
  resize(): void {
    const { clientWidth: width, clientHeight: height } = this.#host
    if (width > 0 && height > 0) this.#plot.setSize({ width, height })
  }

  /** Shows the line under a pointer that is over another chart. */
  showCursor(atMs: number | null): void {
    if (this.#isHovered) return
    const left = atMs === null ? -10 : this.#plot.valToPos(atMs, 'x')
    this.#plot.setCursor({ left, top: atMs === null ? -10 : 0 }, false)
  }

  destroy(): void {
    this.#plot.destroy()
  }

  #options(events: ChartEvents): uPlot.Options {
    const { lines, scale } = this.#spec
    const palette = this.#palette
    const grid = { stroke: palette.line, width: 1 }
    const axis = { stroke: palette.tx3, font: `11px ${FONT}`, ticks: { show: false }, grid }
    return {
      width: Math.max(1, this.#host.clientWidth),
      height: Math.max(1, this.#host.clientHeight),
      ms: 1,
      padding: [10, () => this.#rightPx(), 0, 0],
      legend: { show: false },
      scales: {
        x: { time: true, auto: false },
        y: {
          distr: scale.isLog ? 3 : 1,
          ...(scale.isLog && { log: 10, clamp: () => scale.range(0)[0] }),
          range: (_, __, highest) => [...scale.range(this.#highest(highest))],
        },
      },
      axes: [
        {
          ...axis,
          size: 24,
          gap: 6,
          space: 90,
          incrs: [...TIME_STEPS_MS],
          splits: (_, __, fromMs, toMs, stepMs) => timeSplits(fromMs, toMs, stepMs),
          values: (_, splits, __, ___, stepMs) => timeLabels(splits, stepMs),
        },
        {
          ...axis,
          size: AXIS_WIDTH_PX,
          gap: 8,
          space: 34,
          ...(scale.steps !== undefined && { incrs: [...scale.steps] }),
          ...(scale.isLog && { filter: wholeDecades, grid: { ...grid, filter: wholeDecades } }),
          values: (_, splits) => labelsWhereGiven(splits, (given) => scale.labels(given)),
        },
      ],
      series: [
        {},
        ...lines.map((line) => ({
          label: line.label,
          scale: 'y',
          stroke: palette[line.color],
          width: line.widthPx,
          points: { show: false },
          ...(line.dash !== undefined && { dash: [...line.dash] }),
          ...(line.isFilled === true && { fill: withAlpha(palette[line.color], 0.16) }),
        })),
      ],
      cursor: {
        y: false,
        points: { size: 7, width: 1.5, fill: palette.bg1 },
        drag: { x: true, y: false, setScale: false, dist: SHORTEST_DRAG_PX },
        bind: { dblclick: () => () => (events.onZoomOut(), null) },
      },
      hooks: {
        drawAxes: [(plot) => paintUnderlay(plot, this.#frame, palette)],
        draw: [() => this.#placeLabels()],
        setCursor: [
          (plot) => {
            const left = plot.cursor.left ?? -1
            if (this.#isHovered) events.onCursor(left < 0 ? null : plot.posToVal(left, 'x'))
          },
        ],
        setSelect: [
          (plot) => {
            const { left, width } = plot.select
            if (width < SHORTEST_DRAG_PX) return
            plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
            events.onZoom(plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x'))
          },
        ],
      },
    }
  }

  #rightPx(): number {
    return this.#host.clientWidth < NARROW_PX ? NARROW_RIGHT_PX : LABEL_WIDTH_PX
  }

  #highest(highest: number | null): number {
    const limits = this.#frame.references.map(({ value }) => value)
    const seen = highest !== null && Number.isFinite(highest) ? highest : 0
    return Math.max(0, seen, ...(this.#spec.scale.isLog ? [] : limits))
  }

  #placeLabels(): void {
    const { atMs, columns, span, references } = this.#frame
    const index = atMs.findLastIndex((at) => at <= span.toMs)
    const ratio = devicePixelRatio
    const plot = { topPx: this.#plot.bbox.top / ratio, heightPx: this.#plot.bbox.height / ratio }
    const ofLines = this.#spec.lines.flatMap((line, i): EndLabel[] => {
      const value = columns[i]?.[index] ?? null
      if (value === null) return []
      const y = this.#plot.valToPos(value, 'y')
      const color = labelColor(line.color, this.#palette)
      return [{ name: line.label, value: line.format(value), y, color }]
    })
    const ofReferences = references.flatMap(({ value, label }): EndLabel[] => {
      const y = this.#plot.valToPos(value, 'y')
      if (y < 0 || y > plot.heightPx) return []
      return [{ name: label, value: '', y, color: null }]
    })
    this.#labels.show([...ofReferences, ...ofLines], plot)
  }
}

const spanMs = ({ span }: ChartFrame): number => span.toMs - span.fromMs

/** Of a logarithmic axis only the powers of ten: the lines between them would be most of the picture. */
const wholeDecades = (_: uPlot, splits: readonly number[]): (number | null)[] =>
  splits.map((value) => {
    const power = Math.log10(value)
    return Math.abs(power - Math.round(power)) < 1e-9 ? value : null
  })

function labelsWhereGiven(
  splits: readonly (number | null)[],
  labels: (given: readonly number[]) => string[],
): (string | null)[] {
  const given = splits.filter((split) => split !== null)
  const texts = labels(given)
  return splits.map((split) => (split === null ? null : texts[given.indexOf(split)]!))
}

/** Grey and violet are strong enough for a line and too faint for letters. */
function labelColor(token: ColorToken, palette: Palette): string | null {
  if (token === 'series-limit') return null
  return token === 'series-wal' ? palette['series-wal-text'] : palette[token]
}

/** `rgb(1, 2, 3)` → `rgba(1, 2, 3, 0.16)`: what a computed colour looks like. */
const withAlpha = (rgb: string, alpha: number): string =>
  rgb.replace('rgb(', 'rgba(').replace(')', `, ${alpha})`)
