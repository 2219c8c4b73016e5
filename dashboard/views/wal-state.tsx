import type { JSX } from 'preact'
import type { WalView } from '../../telemetry/protocol.ts'
import { ReadLadder } from '../components/read-ladder.tsx'
import { StackedBar } from '../components/stacked-bar.tsx'
import type { BarPart } from '../components/stacked-bar.tsx'
import { age, group, plural, toText } from '../format.ts'
import { checkpointDetail, isIncomplete, outcomeWords } from '../models/checkpoint-words.ts'
import { ladderOf } from '../models/read-ladder.ts'
import { walNotes } from '../models/wal-notes.ts'
import { isAlarming, pinRow } from '../models/wal-pin.ts'
import { walParts } from '../models/wal-size.ts'
import { WalPin } from './wal-pin.tsx'

interface WalStateProps {
  readonly wal: WalView
  /** Server time that ages are counted to. */
  readonly nowMs: number
}

/** The log now: who keeps it, what is copied, who reads where, and what the last checkpoint did. */
export function WalState({ wal, nowMs }: WalStateProps): JSX.Element {
  const pin = pinRow(wal, nowMs)
  return (
    <div class="wal-state">
      {pin !== null && <WalPin row={pin} />}
      {walNotes(wal, nowMs, { isPinShown: pin !== null }).map(({ id, tone, text }) => (
        <p key={id} class={`wal-note tone-${tone}`} data-testid={`wal-${id}`}>
          {text}
        </p>
      ))}
      <Frames wal={wal} />
      <Readers wal={wal} />
      <p class="wal-last" data-testid="last-checkpoint">
        {lastCheckpointText(wal, nowMs)} {resetsText(wal)}
      </p>
    </div>
  )
}

function Frames({ wal }: { readonly wal: WalView }): JSX.Element {
  const parts = walParts(wal)
  if (parts === null) return <p class="hint">SQLite could not be asked about its frames.</p>
  const bars: BarPart[] = [
    {
      name: 'backfilled',
      amount: parts.backfilledFrames,
      text: `${plural(parts.backfilledFrames, 'frame')} backfilled`,
    },
    {
      name: 'pending',
      amount: parts.pendingFrames,
      text: `${group(parts.pendingFrames)} pending`,
    },
  ]
  if (wal.checkpointFrames > 0) {
    bars.push({
      name: 'free',
      amount: parts.freeFrames,
      text: `${group(parts.freeFrames)} to the next checkpoint`,
    })
  }
  return <StackedBar parts={bars} />
}

function Readers({ wal }: { readonly wal: WalView }): JSX.Element {
  const ladder = ladderOf(wal)
  if (ladder === null) return <p class="hint">This platform does not show who reads.</p>
  const endText = wal.frames === null ? '' : plural(wal.frames, 'frame')
  return <ReadLadder ladder={ladder} endText={endText} isAlarming={isAlarming(wal)} />
}

function lastCheckpointText(wal: WalView, nowMs: number): string {
  const { lastCheckpoint: last, lastCompleteAtMs } = wal
  if (last === null) return 'No checkpoint yet.'
  const ago = toText(age(nowMs - last.startedAtMs - last.durationMs))
  const isComplete = last.outcome !== 'noop' && !isIncomplete(last)
  const complete =
    isComplete || lastCompleteAtMs === null
      ? ''
      : ` The last complete one was ${toText(age(nowMs - lastCompleteAtMs))} ago.`
  return `Last: ${last.mode} ${ago} ago, ${outcomeWords[last.outcome] ?? last.outcome}. ${checkpointDetail(last)}.${complete}`
}

const resetsText = ({ resets }: WalView): string =>
  resets === 0
    ? 'The log has not started over yet.'
    : `The log has started over ${plural(resets, 'time')}.`
