import type uPlot from 'uplot'
import type { ChartFrame } from './chart-spec.ts'

/** Colours of the canvas, read from the tokens of the theme in force. */
export type Palette = Readonly<Record<(typeof names)[number], string>>

const names = [
  'series-in-use',
  'series-waiting',
  'series-fault',
  'series-wal',
  'series-wal-text',
  'series-checkpoint',
  'series-limit',
  'tx2',
  'tx3',
  'line',
  'bg1',
] as const

/** A canvas does not know `light-dark()` or variables: an element resolves them. */
export function readPalette(host: HTMLElement): Palette {
  const probe = host.ownerDocument.createElement('span')
  host.append(probe)
  const colors = names.map((name) => {
    probe.style.color = `var(--${name})`
    return [name, getComputedStyle(probe).color]
  })
  probe.remove()
  return Object.fromEntries(colors) as Palette
}

/** What lies under the lines: stretches without data, moments, limits. */
export function paintUnderlay(plot: uPlot, frame: ChartFrame, palette: Palette): void {
  const { ctx } = plot
  const { left, top, width, height } = plot.bbox
  ctx.save()
  ctx.beginPath()
  ctx.rect(left, top, width, height)
  ctx.clip()
  for (const gap of frame.gaps) paintGap(plot, gap, palette)
  for (const moment of frame.moments) paintMoment(plot, moment, palette)
  ctx.restore()
  for (const { value } of frame.references) paintReference(plot, value, palette)
}

function paintGap(plot: uPlot, gap: ChartFrame['gaps'][number], palette: Palette): void {
  const { ctx } = plot
  const { top, left, width, height } = plot.bbox
  const fromX = Math.max(left, plot.valToPos(gap.fromMs, 'x', true))
  const toX =
    gap.toMs === null ? left + width : Math.min(left + width, plot.valToPos(gap.toMs, 'x', true))
  if (toX <= fromX) return
  const scale = devicePixelRatio
  ctx.save()
  ctx.beginPath()
  ctx.rect(fromX, top, toX - fromX, height)
  ctx.clip()
  ctx.globalAlpha = 0.5
  ctx.strokeStyle = palette['series-limit']
  ctx.lineWidth = scale
  ctx.beginPath()
  // Anchored to the plot and not to the gap, so that the hatching stands still while the gap grows.
  for (let x = left - height; x < toX; x += 7 * scale) {
    ctx.moveTo(x, top + height)
    ctx.lineTo(x + height, top)
  }
  ctx.stroke()
  ctx.restore()
  const text = 'no data'
  ctx.font = `${11 * scale}px ${FONT}`
  const textWidth = ctx.measureText(text).width
  if (toX - fromX < textWidth + 24 * scale) return
  const x = (fromX + toX) / 2
  const y = top + height / 2
  ctx.fillStyle = palette.bg1
  ctx.fillRect(x - textWidth / 2 - 6 * scale, y - 9 * scale, textWidth + 12 * scale, 18 * scale)
  ctx.fillStyle = palette.tx2
  ctx.textAlign = 'center'
  ctx.textBaseline = 'middle'
  ctx.fillText(text, x, y)
}

function paintMoment(plot: uPlot, moment: ChartFrame['moments'][number], palette: Palette): void {
  const { ctx } = plot
  const { top, height } = plot.bbox
  const x = Math.round(plot.valToPos(moment.atMs, 'x', true)) + 0.5
  const scale = devicePixelRatio
  ctx.save()
  ctx.lineWidth = scale
  ctx.strokeStyle = moment.kind === 'restart' ? palette.tx2 : palette['series-checkpoint']
  if (moment.kind === 'blocked') ctx.strokeStyle = palette['series-waiting']
  if (moment.kind !== 'checkpoint') ctx.setLineDash([4 * scale, 3 * scale])
  ctx.globalAlpha = moment.kind === 'restart' ? 1 : 0.55
  ctx.beginPath()
  ctx.moveTo(x, top)
  ctx.lineTo(x, top + height)
  ctx.stroke()
  if (moment.kind === 'restart') {
    ctx.font = `${11 * scale}px ${FONT}`
    ctx.fillStyle = palette.tx2
    ctx.textBaseline = 'top'
    ctx.fillText('restart', x + 4 * scale, top + 2 * scale)
  }
  ctx.restore()
}

function paintReference(plot: uPlot, value: number, palette: Palette): void {
  const { ctx } = plot
  const { top, left, width, height } = plot.bbox
  const y = Math.round(plot.valToPos(value, 'y', true)) + 0.5
  if (y < top || y > top + height) return
  ctx.save()
  ctx.lineWidth = devicePixelRatio
  ctx.strokeStyle = palette['series-limit']
  ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio])
  ctx.beginPath()
  ctx.moveTo(left, y)
  ctx.lineTo(left + width, y)
  ctx.stroke()
  ctx.restore()
}

export const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif'
