import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import type { WalView } from '../../telemetry/protocol.ts'
import type { ChartSpec } from '../components/chart-spec.ts'
import { StackedBar } from '../components/stacked-bar.tsx'
import { age, bytes, plural, toText } from '../format.ts'
import { checkpointDetail, outcomeWords } from '../models/marks.ts'
import type { Page } from '../models/page.ts'
import type { Shown } from '../models/page-view.ts'
import { framesToBytes, walParts } from '../models/wal-size.ts'
import { chartFrame, checkpointMoments } from './chart-frame.ts'
import { ChartPanel } from './chart-panel.tsx'
import { CheckpointDialog } from './checkpoint-dialog.tsx'
import { bytesScale } from './scales.ts'

const names = ['walBytes', 'walPendingFrames'] as const
const format = (value: number | null): string => toText(bytes(value))

const spec: ChartSpec = {
  scale: bytesScale,
  lines: [
    { label: 'size', color: 'series-wal', widthPx: 1.5, isFilled: true, format },
    { label: 'pending', color: 'series-waiting', widthPx: 1.5, dash: [8, 4], format },
  ],
}

interface WalPanelProps {
  readonly page: Page
  readonly shown: Shown
}

/** The write-ahead log: how long it is, how much of it still has to be copied, and what checkpoints did. */
export function WalPanel({ page, shown }: WalPanelProps): JSX.Element {
  const [isOpen, setIsOpen] = useState(false)
  const wal = shown.state?.wal ?? null
  const threshold = wal?.checkpointFrames ?? 0
  const references =
    threshold === 0 ? [] : [{ value: framesToBytes(threshold, wal), label: 'checkpoint' }]
  const frame = chartFrame(shown, names, {
    references,
    moments: checkpointMoments(shown.marks),
    map: (column, i) =>
      i === 0
        ? column
        : column.map((frames) => (frames === null ? null : framesToBytes(frames, wal))),
  })
  const isAdmin = page.session.access.value === 'admin'
  return (
    <ChartPanel
      page={page}
      name="wal"
      title="Write-ahead log"
      unit="file size"
      spec={spec}
      frame={frame}
      emptyText={noWalText(wal)}
      actions={
        isAdmin && (
          <button type="button" class="button" onClick={() => setIsOpen(true)}>
            Checkpoint…
          </button>
        )
      }
    >
      {wal !== null && <WalState wal={wal} nowMs={shown.atMs} />}
      {isOpen && (
        <CheckpointDialog command={page.checkpoint} wal={wal} onClose={() => setIsOpen(false)} />
      )}
    </ChartPanel>
  )
}

function WalState({ wal, nowMs }: { readonly wal: WalView; readonly nowMs: number }): JSX.Element {
  const parts = walParts(wal)
  return (
    <div class="wal-state">
      {parts === null ? (
        <p class="hint">SQLite could not be asked about its frames.</p>
      ) : (
        <StackedBar
          parts={[
            {
              name: 'backfilled',
              amount: parts.backfilledFrames,
              text: `${plural(parts.backfilledFrames, 'frame')} backfilled`,
            },
            {
              name: 'pending',
              amount: parts.pendingFrames,
              text: `${parts.pendingFrames.toLocaleString('en-US')} pending`,
            },
            {
              name: 'free',
              amount: parts.freeFrames,
              text: `${parts.freeFrames.toLocaleString('en-US')} to the next checkpoint`,
            },
          ]}
        />
      )}
      <p class="wal-last" data-testid="last-checkpoint">
        {lastCheckpointText(wal, nowMs)}
      </p>
    </div>
  )
}

function lastCheckpointText(wal: WalView, nowMs: number): string {
  const { lastCheckpoint: last, lastCompleteAtMs } = wal
  if (last === null) return 'No checkpoint yet.'
  const ago = toText(age(nowMs - last.startedAtMs - last.durationMs))
  const isComplete = last.outcome === 'complete' || last.outcome === 'complete_reset'
  const complete =
    isComplete || lastCompleteAtMs === null
      ? ''
      : ` The last complete one was ${toText(age(nowMs - lastCompleteAtMs))} ago.`
  return `Last: ${last.mode} ${ago} ago, ${outcomeWords[last.outcome] ?? last.outcome}. ${checkpointDetail(last)}.${complete}`
}

const noWalText = (wal: WalView | null): string =>
  wal !== null && wal.journalMode !== 'wal' && wal.journalMode !== null
    ? `The journal mode is “${wal.journalMode}”: there is no write-ahead log.`
    : 'No write in this window. The log appears with the first one.'
