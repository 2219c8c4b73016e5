import type { ComponentChildren, JSX } from 'preact'
import type { SeriesName } from '../../telemetry/protocol.ts'
import type { ColorToken } from '../components/chart-spec.ts'
import { Quantity } from '../components/quantity.tsx'
import { Sparkline } from '../components/sparkline.tsx'
import { bytes, count, duration, rate, toText } from '../format.ts'
import type { Quantity as Amount } from '../format.ts'
import type { Page } from '../models/page.ts'
import type { Shown } from '../models/page-view.ts'
import { summarize } from '../models/summary.ts'
import {
  failuresLevel,
  inUseLevel,
  waitLevel,
  waitingLevel,
  walLevel,
} from '../models/thresholds.ts'
import type { Level } from '../models/thresholds.ts'
import { framesToBytes } from '../models/wal-size.ts'

const SPARKLINE_MS = 60_000

/** A number that one looks at first. */
interface Tile {
  readonly label: string
  readonly series: SeriesName
  readonly color: ColorToken
  readonly value: Amount
  readonly note: ComponentChildren
  readonly level: Level
  readonly limit: number | null
  readonly testId: string
  /** The panel that tells more. */
  readonly panel: string
}

interface TilesProps {
  readonly page: Page
  readonly shown: Shown
}

/** The golden numbers, each with the shape of its last minute and its limit. */
export function Tiles({ page, shown }: TilesProps): JSX.Element {
  return (
    <nav class="tiles" aria-label="Key numbers">
      {tilesOf(page, shown).map((tile) => (
        <TileLink key={tile.testId} tile={tile} shown={shown} />
      ))}
    </nav>
  )
}

function TileLink({ tile, shown }: { readonly tile: Tile; readonly shown: Shown }): JSX.Element {
  const span = { fromMs: shown.span.toMs - SPARKLINE_MS, toMs: shown.span.toMs, stepMs: 250 }
  const { atMs, columns } = shown.store.slice(span, [tile.series])
  return (
    <a class={`tile level-${tile.level}`} href={`#${tile.panel}`}>
      <span class="tile-label">
        {tile.label}
        {tile.level !== 'ok' && <span class="tile-level">{levelWords[tile.level]}</span>}
      </span>
      <span class="tile-value" data-testid={tile.testId}>
        <Quantity of={tile.value} />
        <span class="tile-note">{tile.note}</span>
      </span>
      <Sparkline
        atMs={atMs}
        column={columns[0]!}
        span={span}
        color={tile.color}
        limit={tile.limit}
      />
    </a>
  )
}

const LimitNote = ({ limit }: { readonly limit: number | null }): JSX.Element => (
  <>
    of <span data-testid="limit">{toText(count(limit))}</span>
  </>
)

const levelWords = { warn: 'watch', crit: 'act' } as const

function tilesOf(page: Page, shown: Shown): Tile[] {
  const now = valuesAt(shown)
  const wal = shown.state?.wal ?? null
  const timeoutMs = page.feed.hello.value?.limits.acquireTimeoutMs ?? null
  const thresholdBytes =
    wal === null || wal.checkpointFrames === 0 ? null : framesToBytes(wal.checkpointFrames, wal)
  return [
    {
      label: 'In use',
      series: 'inUse',
      color: 'series-in-use',
      value: count(now.inUse),
      note: <LimitNote limit={now.limit} />,
      level: inUseLevel(now),
      limit: now.limit,
      testId: 'in-use',
      panel: 'connections',
    },
    {
      label: 'Waiting',
      series: 'waiting',
      color: 'series-waiting',
      value: count(now.waiting),
      note: 'callers',
      level: waitingLevel(now.waiting, now.limit),
      limit: null,
      testId: 'waiting',
      panel: 'waiters',
    },
    {
      label: 'Wait p99',
      series: 'waitP99Ms',
      color: 'series-waiting',
      value: duration(now.waitP99Ms),
      note: timeoutMs === null ? '' : `of ${toText(duration(timeoutMs))}`,
      level: waitLevel(now.waitP99Ms, timeoutMs),
      limit: null,
      testId: 'wait-p99',
      panel: 'wait',
    },
    {
      label: 'Hold p99',
      series: 'useP99Ms',
      color: 'series-in-use',
      value: duration(now.useP99Ms),
      note: '',
      level: 'ok',
      limit: null,
      testId: 'hold-p99',
      panel: 'leases',
    },
    {
      label: 'Acquires',
      series: 'acquiresPerSecond',
      color: 'series-in-use',
      value: rate(now.acquiresPerSecond),
      note: '',
      level: 'ok',
      limit: null,
      testId: 'acquires',
      panel: 'connections',
    },
    {
      label: 'Failures',
      series: 'failuresPerSecond',
      color: 'series-fault',
      value: rate(now.failuresPerSecond),
      note: minuteText(shown),
      level: failuresLevel(now.failuresPerSecond),
      limit: null,
      testId: 'failures',
      panel: 'events',
    },
    {
      label:
        now.walPendingFrames === null
          ? 'WAL'
          : `WAL · ${toText(count(now.walPendingFrames))} pending`,
      series: 'walBytes',
      color: 'series-wal',
      value: bytes(now.walBytes),
      note: '',
      level: wal === null ? 'ok' : walLevel(now.walPendingFrames, wal.checkpointFrames),
      limit: thresholdBytes,
      testId: 'wal-size',
      panel: 'wal',
    },
  ]
}

const tileSeries = [
  'inUse',
  'limit',
  'waiting',
  'waitP99Ms',
  'useP99Ms',
  'acquiresPerSecond',
  'failuresPerSecond',
  'walBytes',
  'walPendingFrames',
] as const

/** The newest values of the moment shown. */
function valuesAt(shown: Shown): Readonly<Record<(typeof tileSeries)[number], number | null>> {
  const { atMs, columns } = shown.store.slice(shown.span, tileSeries)
  const index = atMs.findLastIndex((at) => at <= shown.span.toMs)
  const entries = tileSeries.map((name, i) => [name, columns[i]?.[index] ?? null])
  return Object.fromEntries(entries)
}

/** A failure of a second ago is easily missed: the worst second of the last minute stays. */
function minuteText(shown: Shown): string {
  const span = { fromMs: shown.span.toMs - SPARKLINE_MS, toMs: shown.span.toMs, stepMs: 250 }
  const { atMs, columns } = shown.store.slice(span, ['failuresPerSecond'])
  const { highest } = summarize(atMs, columns[0]!, span)
  return highest === null || highest === 0 ? '' : `peak ${toText(count(highest))} in 1 m`
}
