import { quantileMs } from '../../telemetry/histogram.ts'
import type { PoolStats } from '../../telemetry/stats.ts'
import { BackOff } from './back-off.ts'
import type { CyclePlan, CycleReport, Holders } from './cycle.ts'
import { LogActivity } from './log-activity.ts'
import type { ResolvedWALOptions } from './options.ts'
import { decide } from './policy.ts'
import type { Decision } from './policy.ts'
import { StarvationDetector } from './starvation.ts'

/** A blocking pass shorter than this fails whenever a reader is at work: pure cost. */
const SHORTEST_BUDGET_MS = 50
/** Waiting our turn in the pool's queue holds nobody back, so it may take longer than the pass. */
const GATE_TIMEOUT_MS = 1000

/**
 * The memory behind the policy: it hears every probe and every finished cycle, and says what is due.
 * It has no timer and runs nothing, so that it can be driven by hand.
 */
export class AutoCheckpointer {
  readonly #stats: PoolStats
  readonly #holders: Holders
  readonly #options: ResolvedWALOptions
  readonly #activity = new LogActivity()
  readonly #starvation: StarvationDetector
  readonly #passiveBackOff = new BackOff({ firstMs: 500, longestMs: 8000 })
  readonly #blockingBackOff = new BackOff({ firstMs: 500, longestMs: 30_000 })
  /** The oldest lease that was in the way of the last cycle. */
  #blockerLeaseId: number | null = null
  #intervalMs: number | null = null
  #intervalStartMs = 0

  constructor(parts: {
    readonly stats: PoolStats
    readonly holders: Holders
    readonly options: ResolvedWALOptions
  }) {
    this.#stats = parts.stats
    this.#holders = parts.holders
    this.#options = parts.options
    this.#starvation = new StarvationDetector(parts.options.checkpointFrames)
  }

  /** Time between interval checkpoints; 0 is none, `null` nothing automatic at all. */
  get intervalMs(): number | null {
    return this.#intervalMs
  }

  get isStarved(): boolean {
    return this.#starvation.isStarved
  }

  enable(intervalMs: number, nowMs: number): void {
    this.#intervalMs = intervalMs
    this.#intervalStartMs = nowMs
  }

  disable(): void {
    this.#intervalMs = null
  }

  oldestPendingMs(nowMs: number): number {
    return this.#activity.oldestPendingMs(nowMs)
  }

  /** Hears a probe; says whether starvation began or ended. */
  observe(nowMs: number): 'began' | 'ended' | null {
    const { frames, backfilledFrames } = this.#stats.wal
    if (frames === null || backfilledFrames === null) return null
    this.#activity.observe(frames, backfilledFrames, nowMs)
    return this.#starvation.observe(frames, backfilledFrames, nowMs)
  }

  /** What is due now. An interval that was looked at counts as served. */
  next(nowMs: number): Decision {
    if (this.#intervalMs === null) return { action: 'none', trigger: 'interval' }
    const readers = this.#holders('reader')
    if (!readers.some((holder) => holder.leaseId === this.#blockerLeaseId)) this.#forgetBlocker()
    const isIntervalDue = this.#intervalMs > 0 && nowMs - this.#intervalStartMs >= this.#intervalMs
    if (isIntervalDue) this.#intervalStartMs = nowMs
    const { frames, backfilledFrames, sizeBytes, pageSizeBytes } = this.#stats.wal
    return decide(
      {
        frames,
        backfilledFrames,
        sizeBytes,
        pageSizeBytes,
        oldestPendingMs: this.#activity.oldestPendingMs(nowMs),
        quietMs: this.#activity.quietMs(nowMs),
        isIntervalDue,
        waitingWriters: this.#stats.writer.waiting,
        oldestReaderMs: readers[0]?.heldMs ?? 0,
        budgetMs: this.#budgetMs(),
        isPassiveBackedOff: this.#passiveBackOff.isWaiting(nowMs),
        isBlockingBackedOff: this.#blockingBackOff.isWaiting(nowMs),
      },
      this.#options,
    )
  }

  /** The cycle that carries out a decision. */
  plan(action: Exclude<Decision['action'], 'none'>): CyclePlan {
    const mode = { passive: 'PASSIVE', reset: 'RESTART', shrink: 'TRUNCATE' } as const
    return {
      mode: mode[action],
      budgetMs: this.#budgetMs(),
      gateTimeoutMs: GATE_TIMEOUT_MS,
      isAutomatic: true,
    }
  }

  /** Hears how a cycle ended, whoever asked for it. */
  learn(
    plan: CyclePlan,
    { report, nowMs }: { readonly report: CycleReport; readonly nowMs: number },
  ): void {
    const isFruitless = report.movedFrames === 0 && !report.hasCopiedAll
    if (isFruitless) {
      this.#starvation.noteFruitlessAttempt()
      this.#passiveBackOff.fail(nowMs)
    } else {
      this.#passiveBackOff.clear()
    }
    if (plan.mode !== 'PASSIVE') {
      if (report.outcome === 'complete_reset') this.#blockingBackOff.clear()
      else this.#blockingBackOff.fail(nowMs)
    }
    this.#blockerLeaseId = report.blockedBy[0]?.leaseId ?? null
  }

  #forgetBlocker(): void {
    if (this.#blockerLeaseId === null) return
    this.#blockerLeaseId = null
    this.#passiveBackOff.clear()
    this.#blockingBackOff.clear()
  }

  /** Long enough for the readers as they are, never longer than writers may be kept waiting. */
  #budgetMs(): number {
    const readerUseMs = quantileMs(this.#stats.reader.useMs.snapshot(), 0.95) ?? 0
    return Math.min(this.#options.budgetMs, Math.max(SHORTEST_BUDGET_MS, 2 * readerUseMs))
  }
}
