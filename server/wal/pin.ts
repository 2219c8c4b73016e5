import type { WALHolder, WALPin, WALReadSlot } from '../../telemetry/events.ts'
import type { OpenSnapshot } from '../pool/log-side.ts'
import type { AnatomyReading, ReadSlot } from './anatomy/anatomy.ts'
import type { ProcessInfo } from './anatomy/process-info.ts'

export interface PinFinderParts {
  /** Of the leases of this pool, oldest first. */
  readonly snapshots: () => readonly OpenSnapshot[]
  /** How many frames there were at most at that time (epoch ms). */
  readonly framesBy: (atMs: number) => number
  readonly readProcess: (pid: number) => ProcessInfo | null
  readonly ownPid: number
}

/** One look at the log. */
export interface PinEvidence {
  /** `null` where the platform does not show it. */
  readonly reading: AnatomyReading | null
  readonly frames: number
  readonly backfilledFrames: number
  /** Epoch ms. */
  readonly nowMs: number
}

export interface PinFindings {
  /** How long the oldest snapshot of any state has been held; 0 when there is none. */
  readonly longestHeldMs: number
  readonly slots: readonly WALReadSlot[] | null
  readonly pin: WALPin | null
}

const UNKNOWN: WALHolder = { kind: 'unknown', lease: null, stack: null, pid: null, command: null }

/** Who holds what, with since when. */
interface Found {
  readonly holder: WALHolder
  readonly sinceMs: number
}

/**
 * Names who reads an old state of the log.
 *
 * SQLite notes in five slots which frames its readers see, and locks the slots in use; the system says which process
 * holds a lock. Which lease of ours it is, it does not say: there the oldest slot belongs to the oldest snapshot, and
 * the others to those that began when the log was as long as the slot says.
 */
export class PinFinder {
  readonly #parts: PinFinderParts
  /** Since when whom we know nothing else of has held what. Epoch ms. */
  #firstSeenMs = new Map<string, number>()

  constructor(parts: PinFinderParts) {
    this.#parts = parts
  }

  find(evidence: PinEvidence): PinFindings {
    const { reading } = evidence
    if (reading === null) {
      const oldest = this.#parts.snapshots()[0]
      const longestHeldMs = oldest === undefined ? 0 : evidence.nowMs - oldest.sinceMs
      return { slots: null, pin: this.#guess(evidence), longestHeldMs }
    }
    const owners = this.#matchSnapshots(reading.slots)
    const seen = new Map<string, number>()
    const found = reading.slots.map((slot) => this.#holdersOf(slot, owners, { evidence, seen }))
    this.#firstSeenMs = seen
    return {
      slots: reading.slots.map(({ slot, frame }, i) => ({
        slot,
        frame,
        holders: found[i]!.map(({ holder }) => holder),
      })),
      pin: oldestPin(reading.slots, found, evidence),
      longestHeldMs: longestHeldMs(found, evidence),
    }
  }

  /** Without a look at the slots only our own leases can be named. */
  #guess({ frames, backfilledFrames, nowMs }: PinEvidence): WALPin | null {
    const oldest = this.#parts.snapshots()[0]
    if (oldest === undefined || frames === backfilledFrames) return null
    const framesThen = this.#parts.framesBy(oldest.sinceMs)
    if (framesThen >= frames) return null
    const { holder, sinceMs } = ofLease(oldest, this.#parts.ownPid)
    const lagFrames = frames - framesThen
    return { slot: null, frame: null, lagFrames, heldMs: nowMs - sinceMs, holder }
  }

  #matchSnapshots(slots: readonly ReadSlot[]): ReadonlyMap<number, readonly OpenSnapshot[]> {
    const { ownPid, framesBy, snapshots } = this.#parts
    const ours = slots
      .filter(({ pids }) => pids.includes(ownPid))
      .sort((a, b) => (a.frame ?? 0) - (b.frame ?? 0))
    const owners = new Map<number, OpenSnapshot[]>(ours.map(({ slot }) => [slot, []]))
    if (ours.length === 0) return owners
    for (const snapshot of snapshots()) {
      const framesThen = framesBy(snapshot.sinceMs)
      const slot = ours.findLast(({ frame }) => (frame ?? 0) <= framesThen) ?? ours[0]!
      owners.get(slot.slot)!.push(snapshot)
    }
    // A slot in use has a user. Snapshots that began between two looks all went to the last slot of that time.
    for (const [i, { slot }] of ours.entries()) {
      if (owners.get(slot)!.length > 0) continue
      const crowded = ours.slice(i + 1).find((later) => owners.get(later.slot)!.length > 1)
      if (crowded !== undefined) owners.get(slot)!.push(owners.get(crowded.slot)!.shift()!)
    }
    return owners
  }

  #holdersOf(
    { slot, frame, pids, hasHiddenHolder }: ReadSlot,
    owners: ReadonlyMap<number, readonly OpenSnapshot[]>,
    { evidence, seen }: { readonly evidence: PinEvidence; readonly seen: Map<string, number> },
  ): Found[] {
    const { ownPid } = this.#parts
    const sinceMs = (who: string): number => {
      const key = `${who} ${slot} ${frame}`
      const firstMs = this.#firstSeenMs.get(key) ?? evidence.nowMs
      seen.set(key, firstMs)
      return firstMs
    }
    const found = (owners.get(slot) ?? []).map((snapshot) => ofLease(snapshot, ownPid))
    for (const pid of pids) {
      if (pid !== ownPid) found.push({ holder: this.#ofProcess(pid), sinceMs: sinceMs(`${pid}`) })
      // Of this process, and no lease: another connection that somebody opened beside the pool.
      else if (found.length === 0)
        found.push({ holder: { ...UNKNOWN, pid }, sinceMs: sinceMs('own') })
    }
    if (hasHiddenHolder) found.push({ holder: UNKNOWN, sinceMs: sinceMs('hidden') })
    return found
  }

  #ofProcess(pid: number): WALHolder {
    const command = this.#parts.readProcess(pid)?.command ?? null
    return { kind: 'process', lease: null, stack: null, pid, command }
  }
}

function ofLease({ holder, isIterator, sinceMs }: OpenSnapshot, ownPid: number): Found {
  const { stack, ...lease } = holder
  const kind = isIterator ? 'iterator' : 'lease'
  return { holder: { kind, lease, stack, pid: ownPid, command: null }, sinceMs }
}

/** Slot 0 lets nothing be copied; of the others whichever sees the least. One that sees everything pins nothing. */
function oldestPin(
  slots: readonly ReadSlot[],
  found: readonly (readonly Found[])[],
  { frames, backfilledFrames, nowMs }: PinEvidence,
): WALPin | null {
  if (frames === backfilledFrames) return null
  const held = slots
    .map(({ slot, frame }, i) => ({
      slot,
      frame: slot === 0 ? 0 : (frame ?? frames),
      oldest: found[i]!.toSorted((a, b) => a.sinceMs - b.sinceMs)[0],
    }))
    .filter(({ frame, oldest }) => oldest !== undefined && frame < frames)
    .sort((a, b) => a.frame - b.frame)[0]
  if (held === undefined) return null
  const { slot, oldest } = held
  const frame = slot === 0 ? backfilledFrames : held.frame
  const { holder, sinceMs } = oldest!
  return { slot, frame, lagFrames: frames - frame, heldMs: nowMs - sinceMs, holder }
}

/** Whoever reads the database file alone is in nobody's way when everything is copied. */
function longestHeldMs(
  found: readonly (readonly Found[])[],
  { frames, backfilledFrames, nowMs }: PinEvidence,
): number {
  const inTheWay = frames === backfilledFrames ? found.slice(1) : found
  return Math.max(0, ...inTheWay.flat().map(({ sinceMs }) => nowMs - sinceMs))
}
