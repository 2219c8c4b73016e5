import type { Column, Gap } from '../models/time-columns.ts'

/** A token of `styles/tokens.css`, without its two dashes. */
export type ColorToken =
  | 'series-in-use'
  | 'series-waiting'
  | 'series-fault'
  | 'series-wal'
  | 'series-checkpoint'
  | 'series-limit'

export interface ChartLine {
  readonly label: string
  readonly color: ColorToken
  /** CSS pixels. */
  readonly widthPx: number
  readonly dash?: readonly number[]
  readonly isFilled?: boolean
  /** The value with its unit, for the label at the end of the line and the readout. */
  format(value: number | null): string
}

/** The vertical axis: where it ends and what it says. */
export interface ChartScale {
  readonly isLog: boolean
  /** The range to show for the highest value in sight, which is 0 when there is none. */
  range(highest: number): readonly [min: number, max: number]
  /** Steps between grid lines, ascending; a logarithmic axis has its own. */
  readonly steps?: readonly number[]
  labels(values: readonly number[]): string[]
}

export interface ChartSpec {
  readonly lines: readonly ChartLine[]
  readonly scale: ChartScale
}

/** A line across the plot at a limit. */
export interface Reference {
  readonly value: number
  readonly label: string
}

/** A line down the plot at a moment. */
export interface Moment {
  readonly atMs: number
  /** `partial`: it left frames behind, as happens; `blocked`: and that hurts. */
  readonly kind: 'checkpoint' | 'partial' | 'blocked' | 'restart'
}

/** What is drawn now. */
export interface ChartFrame {
  readonly atMs: readonly number[]
  readonly columns: readonly Column[]
  readonly span: { readonly fromMs: number; readonly toMs: number }
  readonly gaps: readonly Gap[]
  readonly references: readonly Reference[]
  readonly moments: readonly Moment[]
}
