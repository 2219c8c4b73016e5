import type { BackpressureReason, PoolObserver, WALPin } from '../../telemetry/events.ts'
import { describePin } from '../../telemetry/pin-text.ts'
import type { WalStats } from '../../telemetry/stats.ts'
import { PoolError } from '../pool/errors.ts'
import type { HeldWrites } from '../pool/log-side.ts'

/** Writers wait for so long, in the hope that the log comes back; from then on they are refused. */
export const DELAY_MS = 1000
/** Of the disk, so much is kept free beside twice of what is pending. */
const LEAST_HEADROOM_BYTES = 4 * 1024 * 1024
/** Of a small disk, this share of it. */
const LEAST_HEADROOM = 0.01
/** Once on, the log must become so much shorter before it is off. */
const RELIEF = 0.9

export interface BackpressureParts {
  /** 0: no limit. */
  readonly limitBytes: number
  readonly stats: WalStats
  readonly observer: PoolObserver
  readonly holdWrites: (reason: () => PoolError) => HeldWrites
}

export interface BackpressureSigns {
  /** What the committed frames take. */
  readonly liveBytes: number
  /** The next write starts the log over. */
  readonly canStartOver: boolean
  /** What is still to be copied back takes. */
  readonly pendingBytes: number
  /** What the disk has in all, and has left after that; `null` when it cannot be told. */
  readonly diskBytes: number | null
  readonly headroomBytes: number | null
  readonly nowMs: number
}

/**
 * Keeps the log from growing without a limit, and the disk from running full. When the log has reached `limitBytes` and
 * cannot start over, writers wait for a second; after that they are refused with `WAL_FULL`, which names whoever is in
 * the way. Nothing is lost: what is committed stays, readers go on, and it ends by itself.
 *
 * Why before the disk is full: a checkpoint needs room in the database file. On a full disk it fails too, and then
 * nothing but freeing space helps.
 */
export class Backpressure {
  readonly #parts: BackpressureParts
  #held: HeldWrites | null = null
  #sinceMs = 0
  #isRefusing = false

  constructor(parts: BackpressureParts) {
    this.#parts = parts
  }

  /** Hears one look at the log. */
  observe(signs: BackpressureSigns): void {
    const { stats } = this.#parts
    const reason = this.#reasonOf(signs)
    if (reason !== null && stats.backpressure === null) this.#begin(reason, signs.nowMs)
    else if (reason === null && stats.backpressure !== null) this.lift()
    const isOverdue = stats.backpressure !== null && signs.nowMs - this.#sinceMs >= DELAY_MS
    if (!isOverdue || this.#isRefusing) return
    this.#isRefusing = true
    this.#held?.refuse()
  }

  /** Ends it, whatever the log is like. */
  lift(): void {
    const { stats } = this.#parts
    const reason = stats.backpressure
    if (reason === null) return
    stats.backpressure = null
    this.#isRefusing = false
    this.#held?.end()
    this.#held = null
    this.#tell(false, reason)
  }

  #reasonOf(signs: BackpressureSigns): BackpressureReason | null {
    const { liveBytes, canStartOver } = signs
    const { limitBytes, stats } = this.#parts
    if (this.#isDiskLow(signs)) return 'disk'
    const fromBytes = stats.backpressure === null ? limitBytes : limitBytes * RELIEF
    return limitBytes > 0 && liveBytes >= fromBytes && !canStartOver ? 'size' : null
  }

  #isDiskLow({ pendingBytes, diskBytes, headroomBytes }: BackpressureSigns): boolean {
    if (headroomBytes === null) return false
    const floorBytes = Math.min(LEAST_HEADROOM_BYTES, (diskBytes ?? Infinity) * LEAST_HEADROOM)
    const neededBytes = floorBytes + 2 * pendingBytes
    // It stays until there is room again: a log that is empty now would be at the same point with the next write.
    if (this.#parts.stats.backpressure === 'disk') return headroomBytes < 1.5 * neededBytes
    return pendingBytes > 0 && headroomBytes < neededBytes
  }

  #begin(reason: BackpressureReason, nowMs: number): void {
    this.#parts.stats.backpressure = reason
    this.#sinceMs = nowMs
    this.#held = this.#parts.holdWrites(() => this.#error())
    this.#tell(true, reason)
  }

  #tell(isOn: boolean, reason: BackpressureReason): void {
    const { stats, observer, limitBytes } = this.#parts
    const { sizeBytes, headroomBytes, pin } = stats
    observer.emit({
      type: 'backpressure',
      isOn,
      reason,
      sizeBytes,
      limitBytes,
      headroomBytes,
      pin,
    })
  }

  #error(): PoolError {
    const { stats, limitBytes } = this.#parts
    const what =
      stats.backpressure === 'disk'
        ? `the disk is nearly full (${mebibytes(stats.headroomBytes ?? 0)} left)`
        : `the write-ahead log has reached its limit of ${mebibytes(limitBytes)}`
    return new PoolError('WAL_FULL', `${what}, and nothing more is written${because(stats.pin)}`, {
      hint: hintOf(stats),
      details: {
        sizeBytes: stats.sizeBytes ?? 0,
        limitBytes,
        pendingFrames: (stats.frames ?? 0) - (stats.backfilledFrames ?? 0),
      },
      holders:
        stats.pin?.holder.lease == null
          ? []
          : [{ ...stats.pin.holder.lease, stack: stats.pin.holder.stack }],
      outcome: 'not_started',
    })
  }
}

function because(pin: WALPin | null): string {
  if (pin === null) return ''
  return `: ${describePin(pin)} has kept it for ${Math.round(pin.heldMs)} ms`
}

const mebibytes = (bytes: number): string => `${Math.round(bytes / (1024 * 1024))} MiB`

function hintOf({ backpressure, pin }: WalStats): string {
  if (backpressure === 'disk') return 'free some disk space; writes go on by themselves'
  return pin === null
    ? 'writes go on as soon as it is copied back: by itself, unless automatic checkpoints were stopped'
    : 'end the reader that keeps the log from being copied back; writes go on by themselves'
}
