import type { JSX } from 'preact'
import type { Column } from '../models/time-columns.ts'
import type { ColorToken } from './chart-spec.ts'
import { sparklinePath, sparklineY } from './sparkline-path.ts'

const WIDTH = 120
const HEIGHT = 24

interface SparklineProps {
  readonly atMs: readonly number[]
  readonly column: Column
  readonly span: { readonly fromMs: number; readonly toMs: number }
  readonly color: ColorToken
  /** Drawn as a dashed line, and always in sight. */
  readonly limit: number | null
}

/** The last minute of a number, without axes: its shape, and how far its limit is. */
export function Sparkline(props: SparklineProps): JSX.Element {
  const { atMs, column, span, limit } = props
  const highest = Math.max(1e-9, limit ?? 0, ...column.map((value) => value ?? 0))
  const scale = { width: WIDTH, height: HEIGHT, highest }
  return (
    <svg
      class={`sparkline stroke-${props.color}`}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
      focusable="false"
    >
      {limit !== null && (
        <path class="sparkline-limit" d={`M0 ${sparklineY(limit, scale).toFixed(1)}H${WIDTH}`} />
      )}
      <path d={sparklinePath({ atMs, column }, span, scale)} />
    </svg>
  )
}
