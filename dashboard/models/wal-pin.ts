import type { WalView } from '../../telemetry/protocol.ts'
import { age, bytes, group, plural, toText } from '../format.ts'
import type { Tone } from './marks.ts'
import { framesToBytes } from './wal-size.ts'

/** A younger reader is in nobody's way yet; a healthy pool has one at any moment. */
const SHOWN_FROM_MS = 1000

/** Whose snapshot is the oldest, as the panel says it. */
export interface PinRow {
  readonly tone: Tone
  readonly label: string
  readonly who: string
  /** How long it has been so. */
  readonly ageText: string
  /** What was written since. */
  readonly lagText: string
  readonly sql: string | null
  readonly traceId: string | null
}

/** `null` when nobody reads an old state, or not for long enough to be worth a word. */
export function pinRow(wal: WalView, nowMs: number): PinRow | null {
  const { pin } = wal
  if (pin === null || nowMs - pin.sinceAtMs < SHOWN_FROM_MS) return null
  const isInTheWay = isAlarming(wal)
  return {
    tone: isInTheWay ? 'crit' : 'neutral',
    label: isInTheWay ? 'Keeps the log' : 'Oldest reader',
    who: pin.who,
    ageText: toText(age(nowMs - pin.sinceAtMs)),
    lagText: lagText(wal),
    sql: pin.sql,
    traceId: pin.traceId,
  }
}

/** The log cannot be copied back, or writers pay for it already. */
export const isAlarming = ({ isStarved, backpressure }: WalView): boolean =>
  isStarved || backpressure !== null

function lagText(wal: WalView): string {
  const { frame = null, lagFrames = null, slot = null } = wal.pin ?? {}
  const sees =
    slot === 0
      ? 'Reads the database file alone'
      : frame === null
        ? ''
        : `Sees frame ${group(frame)}`
  if (lagFrames === null) return sees === '' ? '' : `${sees}.`
  const size = toText(bytes(framesToBytes(lagFrames, wal)))
  const lag = `${plural(lagFrames, 'frame')} (${size}) came after`
  return sees === '' ? `${lag}.` : `${sees}; ${lag}.`
}
