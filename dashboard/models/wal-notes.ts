import type { LitestreamView, WalView } from '../../telemetry/protocol.ts'
import { age, bytes, group, plural, toText } from '../format.ts'
import type { Tone } from './marks.ts'

const LOW_HEADROOM_BYTES = 2 * 1024 ** 3

/** One more thing that is worth knowing of the log. */
export interface WalNote {
  readonly id: 'backpressure' | 'starved' | 'headroom' | 'checkpointer' | 'litestream'
  readonly tone: Tone
  readonly text: string
}

/** What is out of the ordinary, worst first. Nothing in an ordinary state. */
export function walNotes(
  wal: WalView,
  nowMs: number,
  { isPinShown }: { readonly isPinShown: boolean },
): WalNote[] {
  const notes: (WalNote | null)[] = [
    backpressureNote(wal),
    starvedNote(wal, isPinShown),
    headroomNote(wal),
    checkpointerNote(wal),
    wal.litestream === null ? null : litestreamNote(wal.litestream, nowMs),
  ]
  return notes.filter((note) => note !== null)
}

function backpressureNote({ backpressure, limitBytes, headroomBytes }: WalView): WalNote | null {
  if (backpressure === null) return null
  const why =
    backpressure === 'disk'
      ? `the disk is nearly full${headroomBytes === null ? '' : ` (${toText(bytes(headroomBytes))} left)`}`
      : `the log has reached its limit of ${toText(bytes(limitBytes))}`
  return { id: 'backpressure', tone: 'crit', text: `Writers are held back: ${why}.` }
}

/** Said here only when nobody stands there by name. */
function starvedNote({ isStarved }: WalView, isPinShown: boolean): WalNote | null {
  if (!isStarved || isPinShown) return null
  const text = 'Nothing can be copied back, and nobody is seen in the way.'
  return { id: 'starved', tone: 'crit', text }
}

function headroomNote({ headroomBytes, sizeBytes, backpressure }: WalView): WalNote | null {
  if (headroomBytes === null || backpressure === 'disk') return null
  const isLow = headroomBytes < LOW_HEADROOM_BYTES || headroomBytes < (sizeBytes ?? 0)
  if (!isLow) return null
  const left = toText(bytes(Math.max(0, headroomBytes)))
  const text = `The disk has ${left} left once everything is copied back.`
  return { id: 'headroom', tone: 'warn', text }
}

function checkpointerNote({ checkpointer }: WalView): WalNote | null {
  if (checkpointer === 'pool') return null
  const text =
    checkpointer === 'sqlite'
      ? 'SQLite checkpoints inside commits.'
      : 'Another program checkpoints.'
  return { id: 'checkpointer', tone: 'neutral', text }
}

function litestreamNote(view: LitestreamView, nowMs: number): WalNote {
  const { readAtMs, error, walBytes, checkpoints, syncErrors, txid } = view
  const ago = `${toText(age(nowMs - readAtMs))} ago`
  const numbers = [
    walBytes === null ? '' : `log ${toText(bytes(walBytes))}`,
    checkpoints === null ? '' : plural(checkpoints, 'checkpoint'),
    syncErrors === null ? '' : plural(syncErrors, 'sync error'),
    txid === null ? '' : `transaction ${group(txid)}`,
  ].filter((text) => text !== '')
  const said = numbers.length === 0 ? 'nothing said' : numbers.join(', ')
  const why = error === null ? '' : `; no newer answer: ${error}`
  return {
    id: 'litestream',
    tone: error === null ? 'neutral' : 'warn',
    text: `Litestream: ${said} (${ago}${why}).`,
  }
}
