import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import type { WalView } from '../../telemetry/protocol.ts'
import type { ChartSpec } from '../components/chart-spec.ts'
import { bytes, toText } from '../format.ts'
import type { Page } from '../models/page.ts'
import type { Shown } from '../models/page-view.ts'
import { framesToBytes } from '../models/wal-size.ts'
import { chartFrame, checkpointMoments } from './chart-frame.ts'
import { ChartPanel } from './chart-panel.tsx'
import { CheckpointDialog } from './checkpoint-dialog.tsx'
import { bytesScale } from './scales.ts'
import { walLimits } from './wal-limits.ts'
import { WalState } from './wal-state.tsx'

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
  const frame = chartFrame(shown, names, {
    references: walLimits(wal),
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

const noWalText = (wal: WalView | null): string =>
  wal !== null && wal.journalMode !== 'wal' && wal.journalMode !== null
    ? `The journal mode is “${wal.journalMode}”: there is no write-ahead log.`
    : 'No write in this window. The log appears with the first one.'
