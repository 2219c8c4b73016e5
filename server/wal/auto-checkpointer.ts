import { quantileMs } from '../../telemetry/histogram.ts'
import type { PoolStats } from '../../telemetry/stats.ts'
import { BackOff } from './back-off.ts'
import type { CyclePlan, CycleReport, Sight } from './cycle.ts'
import type { LogActivity } from './log-activity.ts'
import type { ResolvedWALOptions } from './options.ts'
import { decide } from './policy.ts'
import type { Decision } from './policy.ts'
import { ResetLimit } from './reset-limit.ts'

/** A blocking pass shorter than this fails whenever a reader is at work: pure cost. */
const SHORTEST_BUDGET_MS = 50
const HARD_BUDGET_FACTOR = 4
/** Waiting our turn in the pool's queue holds nobody back, so it may take longer than the pass. */
const GATE_TIMEOUT_MS = 1000

/** What is known of the log, as of the last look. */
export interface Watched {
  readonly activity: LogActivity
  readonly sight: Sight
}

/**
 * The memory behind the policy: it hears of every finished cycle, and says what is due. It has no timer and runs
 * nothing, so that it can be driven by hand.
 */
export class AutoCheckpointer {
  readonly #stats: PoolStats
  readonly #watch: Watched
  readonly #options: ResolvedWALOptions
  readonly #resetLimit: ResetLimit
  readonly #passiveBackOff = new BackOff({ firstMs: 500, longestMs: 8000 })
  readonly #blockingBackOff = new BackOff({ firstMs: 500, longestMs: 30_000 })
  /** Who pinned the log at the last look. */
  #pin: string | null = null
  /** Whoever was in the way of the last cycle; `null` when nobody was. */
  #blocker: string | null = null
  #intervalMs: number | null = null
  #intervalStartMs = 0

  constructor(parts: {
    readonly stats: PoolStats
    readonly watch: Watched
    readonly options: ResolvedWALOptions
    readonly nowMs: number
  }) {
    this.#stats = parts.stats
    this.#watch = parts.watch
    this.#options = parts.options
    this.#resetLimit = new ResetLimit(parts.options, parts.nowMs)
  }

  /** Time between interval checkpoints; 0 is none, `null` nothing automatic at all. */
  get intervalMs(): number | null {
    return this.#intervalMs
  }

  enable(intervalMs: number, nowMs: number): void {
    this.#intervalMs = intervalMs
    this.#intervalStartMs = nowMs
  }

  disable(): void {
    this.#intervalMs = null
  }

  /** What is due now. An interval that was looked at counts as served. */
  next(nowMs: number): Decision {
    if (this.#intervalMs === null) return { action: 'none', trigger: 'interval' }
    const { sight, activity } = this.#watch
    this.#noticePin(nameOf(sight))
    const isIntervalDue = this.#intervalMs > 0 && nowMs - this.#intervalStartMs >= this.#intervalMs
    if (isIntervalDue) this.#intervalStartMs = nowMs
    const { frames, backfilledFrames, sizeBytes, pageSizeBytes, backpressure } = this.#stats.wal
    const { resetFrames, resetBytes } = this.#resetLimit
    return decide(
      {
        frames,
        backfilledFrames,
        sizeBytes,
        pageSizeBytes,
        oldestPendingMs: activity.oldestPendingMs(nowMs),
        quietMs: activity.quietMs(nowMs),
        isIntervalDue,
        waitingWriters: this.#stats.writer.waiting,
        longestHeldMs: sight.longestHeldMs,
        budgetMs: this.#budgetMs(),
        hardBudgetMs: this.#hardBudgetMs(),
        isPassiveBackedOff: this.#passiveBackOff.isWaiting(nowMs),
        isBlockingBackedOff: this.#blockingBackOff.isWaiting(nowMs),
        isBackpressured: backpressure !== null,
      },
      { ...this.#options, resetFrames, resetBytes },
    )
  }

  /** The cycle that carries out a decision. */
  plan({ action }: Decision): CyclePlan {
    const mode = {
      none: 'PASSIVE',
      passive: 'PASSIVE',
      reset: 'RESTART',
      restart: 'RESTART',
      shrink: 'TRUNCATE',
      relieve: 'TRUNCATE',
    } as const
    const isHard = action === 'restart' || action === 'relieve'
    return {
      mode: mode[action],
      budgetMs: isHard ? this.#hardBudgetMs() : this.#budgetMs(),
      gateTimeoutMs: GATE_TIMEOUT_MS,
      isAutomatic: true,
      holdsReaders: isHard,
      // Those who are held back anyway are waiting for it.
      yieldsToWriters: action === 'shrink',
    }
  }

  /** Hears how a cycle ended, whoever asked for it. */
  learn(
    plan: CyclePlan,
    { report, nowMs }: { readonly report: CycleReport; readonly nowMs: number },
  ): void {
    const isFruitless = report.movedFrames === 0 && !report.hasCopiedAll
    if (isFruitless) this.#passiveBackOff.fail(nowMs)
    else this.#passiveBackOff.clear()
    if (plan.mode !== 'PASSIVE') {
      if (report.outcome === 'complete_reset') this.#blockingBackOff.clear()
      else this.#blockingBackOff.fail(nowMs)
    }
    if (report.gate !== null && plan.mode === 'RESTART' && plan.isAutomatic) {
      this.#resetLimit.noteStall(report.gate.durationMs, nowMs)
    }
    this.#blocker = report.pin === null ? null : nameOf(this.#watch.sight)
  }

  /** When whoever was in the way has gone, what was in vain is worth another try. */
  #noticePin(name: string | null): void {
    if (this.#pin !== null && this.#pin !== name) this.#passiveBackOff.clear()
    this.#pin = name
    if (this.#blocker === null || this.#blocker === name) return
    this.#blocker = null
    this.#passiveBackOff.clear()
    this.#blockingBackOff.clear()
  }

  /** Long enough for the readers as they are, never longer than writers may be kept waiting. */
  #budgetMs(): number {
    return Math.min(this.#options.budgetMs, Math.max(SHORTEST_BUDGET_MS, 2 * this.#usualReadMs))
  }

  /** Once for a log that is far too long, writers may be kept waiting for longer. */
  #hardBudgetMs(): number {
    const longestMs = this.#options.budgetMs * HARD_BUDGET_FACTOR
    return Math.min(longestMs, Math.max(this.#options.budgetMs, 2 * this.#usualReadMs))
  }

  get #usualReadMs(): number {
    return quantileMs(this.#stats.reader.useMs.snapshot(), 0.95) ?? 0
  }
}

/** Whoever pins the log, so that it shows when it is someone else or nobody. */
function nameOf({ pin }: Sight): string | null {
  if (pin === null) return null
  const { lease, pid } = pin.holder
  return `${lease?.leaseId ?? pid} ${pin.frame}`
}
