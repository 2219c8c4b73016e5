import type { CheckpointEvent, PoolObserver } from '../../telemetry/events.ts'
import type { CheckpointMode, CheckpointTrigger, PoolStats } from '../../telemetry/stats.ts'
import type { Clock, Timer } from '../pool/clock.ts'
import { AutoCheckpointer } from './auto-checkpointer.ts'
import { runCycle } from './cycle.ts'
import type { CyclePlan, CycleReport, CycleTools, Gate, Holders } from './cycle.ts'
import { WALError } from './errors.ts'
import { assertSafeSqlite } from './guard.ts'
import { isBlocking, parseCheckpointMode } from './mode.ts'
import { resolveWALOptions } from './options.ts'
import type { ResolvedWALOptions, WALOptions } from './options.ts'
import { WALProbe } from './probe.ts'
import { CheckpointThread } from './thread/client.ts'
import { describeWAL } from './wal-info.ts'
import type { WALInfo } from './wal-info.ts'

/** What a manual checkpoint may make writers wait, and so the longest that a reader may hold it up. */
const MANUAL_BUDGET_MS = 1000
const FINAL_BUDGET_MS = 1000

/** What a checkpoint did. Being busy is a result: test `busy` and `outcome`, nothing is thrown. */
export interface CheckpointResult extends Omit<CycleReport, 'hasCopiedAll'> {
  readonly trigger: CheckpointTrigger
  readonly sizeBeforeBytes: number | null
  readonly sizeAfterBytes: number | null
}

export interface WALManagerParts {
  /** Path of the database file. `:memory:` and `''` have no log: the manager then refuses checkpoints. */
  readonly path: string
  /** `stats.wal` and `stats.checkpoint` are written here and nowhere else. */
  readonly stats: PoolStats
  readonly observer: PoolObserver
  readonly clock: Clock
  readonly gate: Gate
  readonly holders: Holders
  readonly options?: WALOptions
  /** For tests: another way to start the thread. */
  readonly createThread?: (path: string, clock: Clock) => CheckpointThread
}

/**
 * Watches a database's write-ahead log and keeps it short, from a thread and a connection of its own.
 *
 * - Looking (`getWALInfo`, the probe four times a second) never checkpoints and takes no lock.
 * - One checkpoint runs at a time; further requests queue.
 * - Blocking modes run behind the gate: writers of this process wait in the pool's queue.
 * - Every checkpoint that had anything to do is counted and makes one `checkpoint` event.
 *
 * Order of the end: close the readers, `finalCheckpoint()`, close the writer, `close()`. The connection
 * of the thread is then the last one, so that SQLite's own checkpoint at close runs off the main thread
 * and `-wal` and `-shm` disappear.
 */
export class WALManager {
  readonly #parts: WALManagerParts
  readonly #options: ResolvedWALOptions
  readonly #probe: WALProbe
  readonly #thread: CheckpointThread
  readonly #auto: AutoCheckpointer
  readonly #tools: CycleTools
  #state: 'new' | 'ready' | 'closed' = 'new'
  #timer: Timer | undefined = undefined
  #runningCount = 0
  /** Ends when every checkpoint asked for so far has ended. */
  #tail: Promise<unknown> = Promise.resolve()
  #lastCheckpoint: CheckpointEvent | null = null

  /** @throws {WAL_INVALID_OPTION} */
  constructor(parts: WALManagerParts) {
    const { path, stats, clock, gate, holders } = parts
    this.#parts = parts
    this.#options = resolveWALOptions(parts.options)
    this.#probe = new WALProbe(path, stats.wal)
    this.#thread = parts.createThread?.(path, clock) ?? new CheckpointThread(path, clock)
    this.#auto = new AutoCheckpointer({ stats, holders, options: this.#options })
    this.#tools = {
      clock,
      gate,
      holders,
      waitingWriters: () => stats.writer.waiting,
      pass: (mode, budgetMs) => this.#thread.pass(mode, budgetMs),
    }
  }

  /** Pending frames at which a checkpoint starts by itself. */
  get checkpointFrames(): number {
    return this.#options.checkpointFrames
  }

  get lastCheckpoint(): CheckpointEvent | null {
    return this.#lastCheckpoint
  }

  /**
   * Starts the thread, the probe and, unless someone else checkpoints, the policy. Call it when the
   * writer is open and has set `journal_mode`. A database without WAL is no error here: `getWALInfo`
   * says so and checkpoints are refused.
   *
   * @throws {WAL_UNSAFE_SQLITE} this SQLite could lose commits
   * @throws {SQLITE_…} the database could not be opened
   */
  async start(): Promise<void> {
    if (this.#state !== 'new') throw new WALError('WAL_CLOSED', 'the WAL manager starts only once')
    this.#state = 'ready'
    const { wal } = this.#parts.stats
    if (isMemory(this.#parts.path)) {
      wal.journalMode = 'memory'
      return
    }
    try {
      const { journalMode, sqliteVersion } = await this.#thread.open()
      wal.journalMode = journalMode
      if (this.#options.checkpointer === 'pool') assertSafeSqlite(sqliteVersion)
      if (journalMode !== 'wal') {
        await this.#thread.close()
        return
      }
      this.#probe.open()
      await this.#look()
    } catch (error) {
      await this.close()
      throw error
    }
    this.startAutoCheckpoint(this.#options.checkpointIntervalMs)
    this.#scheduleLook()
  }

  /**
   * Makes one checkpoint now, after those that were asked for before.
   *
   * A blocking mode first copies the bulk with PASSIVE passes, then waits up to `budgetMs` for the
   * pool's writer and lets SQLite wait up to `budgetMs` for readers. When that was not enough `busy` is 1
   * and `blockedBy` names the leases in the way. A failure in SQLite or of the thread is the outcome
   * `error` with its `errorCode`.
   *
   * @throws {WAL_INVALID_MODE} not PASSIVE, FULL, RESTART or TRUNCATE
   * @throws {WAL_NOT_ENABLED} the database has no log
   * @throws {WAL_EXTERNAL_CHECKPOINTER} a blocking mode while another program checkpoints
   * @throws {WAL_CLOSED} before `start()` or after `close()`
   */
  async checkpoint(
    mode: CheckpointMode = 'PASSIVE',
    options: { readonly trigger?: CheckpointTrigger; readonly budgetMs?: number } = {},
  ): Promise<CheckpointResult> {
    const parsed = parseCheckpointMode(mode)
    this.#assertReady()
    if (this.#options.checkpointer === 'external' && isBlocking(parsed)) {
      throw new WALError(
        'WAL_EXTERNAL_CHECKPOINTER',
        'another program checkpoints this database; only PASSIVE is allowed',
      )
    }
    const trigger = options.trigger ?? 'manual'
    const budgetMs = Math.max(0, options.budgetMs ?? MANUAL_BUDGET_MS)
    const gateTimeoutMs = trigger === 'shutdown' ? null : budgetMs
    return this.#run({ mode: parsed, budgetMs, gateTimeoutMs, isAutomatic: false }, trigger)
  }

  /**
   * The last checkpoint, when all readers are closed and the writer is idle: TRUNCATE in the thread,
   * at most one second of waiting. Ends everything automatic. `null` when there is nothing to do it
   * to. Never rejects.
   */
  async finalCheckpoint(): Promise<CheckpointResult | null> {
    this.stopAutoCheckpoint()
    if (this.#state !== 'ready' || this.#options.checkpointer === 'external') return null
    if (this.#parts.stats.wal.journalMode !== 'wal') return null
    return this.checkpoint('TRUNCATE', { trigger: 'shutdown', budgetMs: FINAL_BUDGET_MS }).catch(
      () => null,
    )
  }

  /**
   * Starts what is automatic: frames, age, size, and every `intervalMs` (as exact as the probe). 0: no
   * interval. Has no effect unless the pool is the checkpointer.
   */
  startAutoCheckpoint(intervalMs: number): void {
    if (!Number.isFinite(intervalMs) || intervalMs < 0) {
      throw new WALError('WAL_INVALID_OPTION', 'intervalMs must be a number of at least 0')
    }
    if (this.#options.checkpointer !== 'pool' || this.#state === 'closed') return
    this.#auto.enable(intervalMs, this.#parts.clock.nowMs())
  }

  /** Ends everything automatic, for instance while a backup runs: the log grows until it is started again. */
  stopAutoCheckpoint(): void {
    this.#auto.disable()
  }

  /** The state of the log now, from NOOP and `stat` only. */
  async getWALInfo(): Promise<WALInfo> {
    if (this.#state === 'ready' && !isMemory(this.#parts.path)) {
      await this.#probe.sample(this.#nowEpochMs())
    }
    return describeWAL(this.#parts.stats, {
      oldestPendingMs: this.#auto.oldestPendingMs(this.#parts.clock.nowMs()),
      isStarved: this.#auto.isStarved,
      intervalMs: this.#auto.intervalMs,
      lastCheckpoint: this.#lastCheckpoint,
    })
  }

  /** Waits for the checkpoints in hand, then closes the probe and, last, the thread's connection. Idempotent. */
  async close(): Promise<void> {
    this.#state = 'closed'
    this.stopAutoCheckpoint()
    if (this.#timer !== undefined) this.#parts.clock.clearTimer(this.#timer)
    await this.#tail
    this.#probe.close()
    await this.#thread.close()
  }

  #scheduleLook(): void {
    if (this.#state !== 'ready') return
    this.#timer = this.#parts.clock.setTimer(() => void this.#tick(), this.#options.probeIntervalMs)
  }

  /** Never rejects. */
  async #tick(): Promise<void> {
    await this.#look()
    this.#scheduleLook()
    if (this.#state !== 'ready' || this.#runningCount > 0) return
    void this.#thread.revive()
    const { action, trigger } = this.#auto.next(this.#parts.clock.nowMs())
    if (action !== 'none') await this.#run(this.#auto.plan(action), trigger)
  }

  async #look(): Promise<void> {
    await this.#probe.sample(this.#nowEpochMs())
    const change = this.#auto.observe(this.#parts.clock.nowMs())
    if (change === null) return
    const { frames, backfilledFrames } = this.#parts.stats.wal
    this.#parts.observer.emit({
      type: 'starvation',
      isStarved: change === 'began',
      pendingFrames: (frames ?? 0) - (backfilledFrames ?? 0),
      holder: this.#parts.holders('reader')[0] ?? null,
    })
  }

  /** Queues one cycle behind the others. Never rejects. */
  async #run(plan: CyclePlan, trigger: CheckpointTrigger): Promise<CheckpointResult> {
    const run = this.#tail.then(() => this.#runNow(plan, trigger))
    this.#tail = run
    this.#runningCount += 1
    try {
      return await run
    } finally {
      this.#runningCount -= 1
    }
  }

  async #runNow(plan: CyclePlan, trigger: CheckpointTrigger): Promise<CheckpointResult> {
    await this.#thread.revive()
    await this.#look()
    const sizeBeforeBytes = this.#parts.stats.wal.sizeBytes
    const { hasCopiedAll, ...report } = await runCycle(plan, { ...this.#tools, sizeBeforeBytes })
    await this.#look()
    const sizeAfterBytes = this.#parts.stats.wal.sizeBytes
    const result: CheckpointResult = { ...report, trigger, sizeBeforeBytes, sizeAfterBytes }
    this.#auto.learn(plan, {
      report: { ...report, hasCopiedAll },
      nowMs: this.#parts.clock.nowMs(),
    })
    const hadNothingToDo = result.outcome === 'noop' && trigger !== 'manual'
    if (!hadNothingToDo) this.#record(result, hasCopiedAll)
    return result
  }

  #record(result: CheckpointResult, hasCopiedAll: boolean): void {
    const { checkpoint } = this.#parts.stats
    const endedAtMs = result.startedAtMs + result.durationMs
    checkpoint[counterOf(result)] += 1
    checkpoint.framesMoved += result.movedFrames
    checkpoint.lastAtMs = endedAtMs
    if (hasCopiedAll) checkpoint.lastCompleteAtMs = endedAtMs
    checkpoint.durationMs.record(result.durationMs, result.errorCode ?? undefined)
    const event: CheckpointEvent = {
      type: 'checkpoint',
      mode: result.mode,
      trigger: result.trigger,
      outcome: result.outcome,
      startedAtMs: result.startedAtMs,
      durationMs: result.durationMs,
      isBusy: result.busy === 1,
      logFrames: result.log,
      checkpointedFrames: result.checkpointed,
      movedFrames: result.movedFrames,
      sizeBeforeBytes: result.sizeBeforeBytes,
      sizeAfterBytes: result.sizeAfterBytes,
      errorCode: result.errorCode,
      blockedBy: result.blockedBy,
    }
    this.#lastCheckpoint = event
    this.#parts.observer.emit(event)
  }

  #assertReady(): void {
    if (this.#state !== 'ready') {
      throw new WALError('WAL_CLOSED', 'the WAL manager is not started, or closed')
    }
    const { journalMode } = this.#parts.stats.wal
    if (journalMode !== 'wal') {
      throw new WALError(
        'WAL_NOT_ENABLED',
        `the database has no write-ahead log (journal_mode is ${journalMode ?? 'unknown'})`,
      )
    }
  }

  #nowEpochMs(): number {
    const { clock } = this.#parts
    return clock.timeOriginMs + clock.nowMs()
  }
}

function counterOf(result: CheckpointResult): 'completed' | 'incomplete' | 'failed' {
  switch (result.outcome) {
    case 'complete_reset':
    case 'complete':
    case 'noop':
      return 'completed'
    case 'partial_reader':
    case 'partial_writer':
    case 'busy_writer':
    case 'busy_checkpointer':
      return 'incomplete'
    case 'error':
      return 'failed'
  }
}

function isMemory(path: string): boolean {
  return path === '' || path === ':memory:'
}
