import type { CheckpointEvent, PoolObserver, StarvationEvent } from '../../telemetry/events.ts'
import type { CheckpointMode, CheckpointTrigger, PoolStats } from '../../telemetry/stats.ts'
import type { Clock, Timer } from '../pool/clock.ts'
import type { LogSide } from '../pool/log-side.ts'
import { AutoCheckpointer } from './auto-checkpointer.ts'
import { Backpressure } from './backpressure.ts'
import { runCycle } from './cycle.ts'
import type { CyclePlan, CycleReport, CycleTools, Holders, Sight } from './cycle.ts'
import { syncDatabase } from './database-sync.ts'
import type { WALEnding } from './ending.ts'
import { WALError } from './errors.ts'
import { assertSafeSqlite } from './guard.ts'
import { assertNoLitestream } from './litestream/guard.ts'
import { isBlocking, parseCheckpointMode } from './mode.ts'
import { resolveWALOptions } from './options.ts'
import type { ResolvedWALOptions, WALOptions } from './options.ts'
import { framesToBytes } from './policy.ts'
import { ReadAhead } from './read-ahead.ts'
import { StarvationWatch } from './starvation-watch.ts'
import { CheckpointThread } from './thread/client.ts'
import { describeWAL } from './wal-info.ts'
import type { WALInfo } from './wal-info.ts'
import { WALWatch } from './watch.ts'

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
  /** What the pool lets us do. */
  readonly pool: Pick<LogSide, 'snapshots' | 'gate' | 'holdReads' | 'holdWrites' | 'revoke'>
  readonly holders: Holders
  readonly options?: WALOptions
  /** Told as the event is. What it throws becomes a warning of the process. */
  readonly onStarvation?: ((event: StarvationEvent) => void) | undefined
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
 * and `-wal` and `-shm` disappear. Where they must stay, the probe's is the last one: it is readonly, and SQLite
 * neither copies nor deletes by it.
 */
export class WALManager {
  readonly #parts: WALManagerParts
  readonly #options: ResolvedWALOptions
  readonly #watch: WALWatch
  readonly #thread: CheckpointThread
  readonly #readAhead: ReadAhead
  readonly #auto: AutoCheckpointer
  readonly #starvation: StarvationWatch
  readonly #backpressure: Backpressure
  readonly #tools: CycleTools
  #state: 'new' | 'ready' | 'closed' = 'new'
  #timer: Timer | undefined = undefined
  #runningCount = 0
  #isFinishing = false
  #isAbandoned = false
  /** Ends when every checkpoint asked for so far has ended. */
  #tail: Promise<unknown> = Promise.resolve()
  #lastCheckpoint: CheckpointEvent | null = null

  /** @throws {WAL_INVALID_OPTION} */
  constructor(parts: WALManagerParts) {
    const { path, stats, observer, clock, pool, holders } = parts
    this.#parts = parts
    const options = resolveWALOptions(parts.options)
    this.#options = options
    this.#watch = new WALWatch({
      path,
      stats,
      snapshots: () => pool.snapshots(),
      isExternal: options.checkpointer === 'external',
      isSqlites: options.checkpointer === 'sqlite',
    })
    this.#thread = parts.createThread?.(path, clock) ?? new CheckpointThread(path, clock)
    this.#readAhead = new ReadAhead(path)
    const watch = this.#watch
    this.#auto = new AutoCheckpointer({ stats, watch, options, nowMs: clock.nowMs() })
    this.#starvation = new StarvationWatch({
      stats,
      observer,
      options,
      onStarvation: parts.onStarvation,
      revoke: (leaseId, why) => pool.revoke(leaseId, why),
    })
    this.#backpressure = new Backpressure({
      limitBytes: this.limitBytes,
      stats: stats.wal,
      observer,
      holdWrites: (reason) => pool.holdWrites(reason),
    })
    this.#tools = {
      clock,
      gate: (fn, limits) => pool.gate(fn, limits),
      holders,
      holdBackReaders: () => pool.holdReads(),
      waitingWriters: () => stats.writer.waiting,
      pass: async (mode, budgetMs) => {
        if (this.#isAbandoned) throw new WALError('WAL_CLOSED', 'its files were replaced')
        this.#watch.passBegan()
        try {
          return await this.#thread.pass(mode, budgetMs)
        } finally {
          this.#watch.passEnded()
        }
      },
      readAhead: () => void this.#readAhead.rewind(stats.wal, clock.nowMs()),
      sync: () => syncDatabase(path),
      look: () => this.#look(),
    }
  }

  /** Pending frames at which a checkpoint starts by itself. */
  get checkpointFrames(): number {
    return this.#options.checkpointFrames
  }

  /** Bytes of the log at which writers are held back while it cannot start over; 0: none. */
  get limitBytes(): number {
    const { checkpointer, limitBytes } = this.#options
    return checkpointer === 'pool' ? limitBytes : 0
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
   * @throws {WAL_EXTERNAL_CHECKPOINTER} Litestream is at work on this database
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
      this.#watch.open()
      if (this.#options.checkpointer === 'pool') {
        await assertNoLitestream(this.#parts.path, (names) => this.#watch.hasTable(names))
      }
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
    return this.#run(
      {
        mode: parsed,
        budgetMs,
        gateTimeoutMs,
        isAutomatic: false,
        holdsReaders: false,
        yieldsToWriters: false,
      },
      trigger,
    )
  }

  /**
   * The last checkpoint, when all readers are closed and the writer is idle: TRUNCATE in the thread,
   * at most one second of waiting. Ends everything automatic. `null` when there is nothing to do it
   * to. Never rejects.
   */
  async finalCheckpoint(): Promise<CheckpointResult | null> {
    this.#isFinishing = true
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
    const isOver = this.#state === 'closed' || this.#isAbandoned
    if (this.#options.checkpointer !== 'pool' || isOver) return
    this.#auto.enable(intervalMs, this.#parts.clock.nowMs())
  }

  /** Ends everything automatic, for instance while a backup runs: the log grows until it is started again. */
  stopAutoCheckpoint(): void {
    this.#auto.disable()
  }

  /** The pool begins to close: whoever wants to write may, or hears that it is closing. */
  draining(): void {
    this.#isFinishing = true
    this.#backpressure.lift()
  }

  /** The files are no longer those that were opened: nothing is copied any more, by nobody. */
  abandon(): void {
    this.#isAbandoned = true
    this.draining()
    this.stopAutoCheckpoint()
  }

  /** The state of the log now, from NOOP and `stat` only. */
  async getWALInfo(): Promise<WALInfo> {
    if (this.#state === 'ready' && !isMemory(this.#parts.path)) {
      await this.#look()
    }
    return describeWAL(this.#parts.stats, {
      checkpointer: this.#options.checkpointer,
      limitBytes: this.limitBytes,
      oldestPendingMs: this.#watch.activity.oldestPendingMs(this.#parts.clock.nowMs()),
      isStarved: this.#starvation.isStarved,
      intervalMs: this.#auto.intervalMs,
      lastCheckpoint: this.#lastCheckpoint,
    })
  }

  /**
   * Waits for the checkpoints in hand, then closes the probe's connection and the thread's, in the order in which the
   * last one leaves the log as `ending` says. Idempotent.
   */
  async close(ending: WALEnding = 'complete'): Promise<void> {
    this.#state = 'closed'
    this.stopAutoCheckpoint()
    if (this.#timer !== undefined) this.#parts.clock.clearTimer(this.#timer)
    await this.#tail
    if (ending === 'complete') {
      this.#watch.close()
      await this.#thread.close()
      return
    }
    if (ending === 'copy') await this.#copyPending()
    await this.#thread.close()
    this.#watch.close()
  }

  /** Never rejects. */
  async #copyPending(): Promise<void> {
    await this.#look()
    const { frames, backfilledFrames } = this.#parts.stats.wal
    // A log that is all copied can be started over by another process at any time, in a file that is not ours.
    if (frames !== backfilledFrames) await this.#thread.pass('PASSIVE', 0).catch(() => undefined)
  }

  #scheduleLook(): void {
    if (this.#state !== 'ready') return
    this.#timer = this.#parts.clock.setTimer(() => void this.#tick(), this.#options.probeIntervalMs)
  }

  /** Never rejects. */
  async #tick(): Promise<void> {
    await this.#look()
    this.#scheduleLook()
    if (this.#state !== 'ready' || this.#runningCount > 0 || this.#isAbandoned) return
    void this.#thread.revive()
    const decision = this.#auto.next(this.#parts.clock.nowMs())
    if (decision.action !== 'none') await this.#run(this.#auto.plan(decision), decision.trigger)
  }

  async #look(): Promise<Sight> {
    const sight = await this.#watch.look(this.#nowEpochMs(), this.#parts.clock.nowMs())
    const nowMs = this.#parts.clock.nowMs()
    this.#starvation.observe(nowMs, this.#nowEpochMs())
    const isOurs = this.#options.checkpointer === 'pool'
    if (isOurs && this.#state === 'ready' && !this.#isFinishing) {
      this.#watchLimits(nowMs)
      void this.#readAhead.follow(this.#parts.stats.wal, nowMs)
    }
    return sight
  }

  #watchLimits(nowMs: number): void {
    const { frames, backfilledFrames, pageSizeBytes, readSlots, headroomBytes } =
      this.#parts.stats.wal
    if (frames === null || backfilledFrames === null) return
    const isRead = readSlots?.some(({ slot, holders }) => slot > 0 && holders.length > 0) === true
    this.#backpressure.observe({
      liveBytes: framesToBytes(frames, pageSizeBytes),
      pendingBytes: framesToBytes(frames - backfilledFrames, pageSizeBytes),
      canStartOver: frames === backfilledFrames && !isRead,
      diskBytes: this.#watch.diskBytes,
      headroomBytes,
      nowMs,
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
    if (!this.#isAbandoned) await this.#thread.revive()
    await this.#look()
    const sizeBeforeBytes = this.#parts.stats.wal.sizeBytes
    const { hasCopiedAll, ...report } = await runCycle(plan, { ...this.#tools, sizeBeforeBytes })
    await this.#look()
    const sizeAfterBytes = this.#parts.stats.wal.sizeBytes
    const result: CheckpointResult = { ...report, trigger, sizeBeforeBytes, sizeAfterBytes }
    const learned = { ...report, hasCopiedAll }
    this.#auto.learn(plan, { report: learned, nowMs: this.#parts.clock.nowMs() })
    this.#starvation.learn(learned)
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
    if (result.gate !== null) checkpoint.stallMs.record(result.gate.durationMs)
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
      pin: result.pin,
      passes: result.passes,
      gate: result.gate,
    }
    this.#lastCheckpoint = event
    this.#parts.observer.emit(event)
  }

  #assertReady(): void {
    if (this.#state !== 'ready' || this.#isAbandoned) {
      throw new WALError(
        'WAL_CLOSED',
        'the WAL manager is not started, closed, or its files were replaced',
      )
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
    case 'complete_pinned':
    case 'blocked_read0':
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
