import type { WALHolder } from '../../telemetry/events.ts'
import type { PoolStats } from '../../telemetry/stats.ts'
import type { OpenSnapshot } from '../pool/log-side.ts'
import { WALAnatomy } from './anatomy/anatomy.ts'
import { readProcess } from './anatomy/process-info.ts'
import type { Sight } from './cycle.ts'
import { diskRoom } from './filesystem.ts'
import { FrameHistory } from './frame-history.ts'
import { isLitestreamCommand } from './litestream/detect.ts'
import { LogActivity } from './log-activity.ts'
import { PinFinder, type PinEvidence } from './pin.ts'
import { WALProbe } from './probe.ts'

export interface WALWatchParts {
  readonly path: string
  /** `stats.wal` is written here. */
  readonly stats: PoolStats
  /** Of the leases of this pool, oldest first. */
  snapshots(): readonly OpenSnapshot[]
  /** Another program checkpoints: what it holds is part of its work. */
  readonly isExternal: boolean
  /** SQLite checkpoints inside commits: what is copied is not ours, and no wonder. */
  readonly isSqlites: boolean
}

interface LogState {
  readonly frames: number
  readonly backfilledFrames: number
  /** The salts of the log; `null` where they cannot be seen. */
  readonly generation: string | null
}

/**
 * Everything that is known about the log, brought up to date by `look`: how long it is, how much of it is copied back,
 * who reads which state of it, and what the disk has left. Looking takes no lock and copies nothing.
 */
export class WALWatch {
  readonly activity = new LogActivity()
  readonly #parts: WALWatchParts
  readonly #probe: WALProbe
  readonly #anatomy: WALAnatomy
  readonly #history = new FrameHistory()
  readonly #pins: PinFinder
  #sight: Sight = { pin: null, canSee: false, longestHeldMs: 0 }
  #disk: { readonly freeBytes: number; readonly totalBytes: number } | null = null
  /** As of the last look. */
  #log: LogState | null = null
  #isPassing = false
  /** One of ours has run since the last look. */
  #hasPassed = false

  constructor(parts: WALWatchParts) {
    this.#parts = parts
    this.#anatomy = new WALAnatomy(parts.path)
    this.#probe = new WALProbe(parts.path, parts.stats.wal, () => this.#anatomy.index())
    this.#pins = new PinFinder({
      snapshots: () => parts.snapshots(),
      framesBy: (atMs) => this.#history.framesBy(atMs),
      readProcess,
      ownPid: process.pid,
    })
  }

  /** As of the last look. */
  get sight(): Sight {
    return this.#sight
  }

  /** What the disk holds in all; `null` when it cannot be told. */
  get diskBytes(): number | null {
    return this.#disk?.totalBytes ?? null
  }

  /** The database must exist and be in order. */
  open(): void {
    this.#probe.open()
  }

  /** Whether the database has one of these tables. */
  hasTable(names: readonly string[]): boolean {
    return this.#probe.hasTable(names)
  }

  /** A pass of ours is under way: what is copied until `passEnded`, and before the next look, is our work. */
  passBegan(): void {
    this.#isPassing = true
    this.#hasPassed = true
  }

  passEnded(): void {
    this.#isPassing = false
  }

  /** Everything but the sizes is of one moment, that of the call. */
  async look(nowEpochMs: number, nowMs: number): Promise<Sight> {
    const sizing = Promise.all([this.#probe.sample(nowEpochMs), diskRoom(this.#parts.path)])
    const reading = this.#anatomy.read()
    const { wal } = this.#parts.stats
    if (reading !== null) {
      // Of the same moment as the salts and marks.
      wal.frames = reading.index.frames
      wal.backfilledFrames = reading.index.backfilledFrames
    }
    const { frames, backfilledFrames } = wal
    if (frames !== null && backfilledFrames !== null) {
      const generation = reading?.index.salts.join() ?? null
      this.#note({ frames, backfilledFrames, generation }, { nowEpochMs, nowMs })
      this.#see({ reading, frames, backfilledFrames, nowMs: nowEpochMs })
    }
    const sight = this.#sight
    const [, disk] = await sizing
    this.#disk = disk
    wal.headroomBytes = this.#headroom(reading?.index.pages ?? null)
    return sight
  }

  close(): void {
    this.#probe.close()
    this.#anatomy.close()
  }

  #see(evidence: PinEvidence): void {
    const { wal } = this.#parts.stats
    const { slots, pin, longestHeldMs } = this.#pins.find(evidence)
    wal.readSlots = slots
    wal.pin = pin !== null && this.#isExpected(pin.holder) ? null : pin
    this.#sight = { pin: wal.pin, canSee: slots !== null, longestHeldMs }
  }

  #note(
    log: LogState,
    { nowEpochMs, nowMs }: { readonly nowEpochMs: number; readonly nowMs: number },
  ): void {
    const { wal } = this.#parts.stats
    const before = this.#log
    this.#log = log
    const isRestarted = before !== null && hasRestarted(before, log)
    if (isRestarted) wal.resets += 1
    const copiedBefore = before === null || isRestarted ? 0 : before.backfilledFrames
    const hasMoved = before !== null && log.backfilledFrames > copiedBefore
    if (hasMoved && !this.#hasPassed && !this.#parts.isSqlites) wal.externalCheckpoints += 1
    this.#hasPassed = this.#isPassing
    this.#history.note(log.frames, nowEpochMs)
    this.activity.observe(log.frames, log.backfilledFrames, nowMs)
  }

  /** Litestream holds a snapshot all the time but in its own checkpoints. */
  #isExpected({ command }: WALHolder): boolean {
    return this.#parts.isExternal && command !== null && isLitestreamCommand(command)
  }

  /** What is left when everything pending is in the database file; what that takes is known or at most every page of it. */
  #headroom(pages: number | null): number | null {
    const { wal } = this.#parts.stats
    if (this.#disk === null) return null
    const { frames, backfilledFrames, pageSizeBytes, databaseSizeBytes } = wal
    const pageBytes = pageSizeBytes ?? 4096
    const growthBytes =
      pages === null
        ? ((frames ?? 0) - (backfilledFrames ?? 0)) * pageBytes
        : Math.max(0, pages * pageBytes - (databaseSizeBytes ?? 0))
    return this.#disk.freeBytes - growthBytes
  }
}

/** Its salts tell, once it has any frames; where they cannot be seen, that it has gone back. */
function hasRestarted(before: LogState, now: LogState): boolean {
  if (before.generation === null || now.generation === null) {
    return now.frames < before.frames || now.backfilledFrames < before.backfilledFrames
  }
  return before.frames > 0 && before.generation !== now.generation
}
