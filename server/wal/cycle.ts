import type {
  CheckpointGate,
  CheckpointOutcome,
  CheckpointPass,
  HolderRef,
  WALPin,
} from '../../telemetry/events.ts'
import type { CheckpointMode, Role } from '../../telemetry/stats.ts'
import type { Clock } from '../pool/clock.ts'
import { WALError } from './errors.ts'
import { isBlocking } from './mode.ts'
import { classify, hasCopiedAll } from './outcome.ts'
import type { PassResult } from './thread/wire.ts'

/** PASSIVE passes that may chase a writer before its lane is taken. */
const MAX_CHASES = 4
/** A remainder that may be copied while writers wait. */
const SMALL_REMAINDER_FRAMES = 64

/**
 * Runs `fn` while the pool's writer lease is held, so that writers wait in the pool's queue and not in
 * SQLite's busy handler. Rejects without calling `fn` when the lease could not be had in `timeoutMs`.
 */
export type Gate = <T>(fn: () => Promise<T>, options: { readonly timeoutMs: number }) => Promise<T>

/** The pool's leases of one lane, oldest first. */
export type Holders = (role: Role) => readonly HolderRef[]

/** What one cycle is to do. */
export interface CyclePlan {
  readonly mode: CheckpointMode
  /** Busy timeout of the blocking pass, in ms. */
  readonly budgetMs: number
  /** How long to wait for the pool's writer; `null`: there is nobody left to hold back. */
  readonly gateTimeoutMs: number | null
  /** Nobody asked for it: give way to readers that pin the log and to writers that wait. */
  readonly isAutomatic: boolean
  /** Whoever wants to begin to read waits while the blocking pass runs. */
  readonly holdsReaders: boolean
  /** The blocking pass is left out when writers wait behind the gate. */
  readonly yieldsToWriters: boolean
}

export interface CycleReport {
  /** The mode of the last pass. */
  readonly mode: CheckpointMode
  readonly outcome: CheckpointOutcome
  readonly busy: 0 | 1
  readonly log: number | null
  readonly checkpointed: number | null
  readonly movedFrames: number
  readonly hasCopiedAll: boolean
  /** Epoch ms. */
  readonly startedAtMs: number
  /** From the start of the first pass to the end of the last one. */
  readonly durationMs: number
  readonly errorCode: string | null
  readonly blockedBy: readonly HolderRef[]
  readonly pin: WALPin | null
  readonly passes: readonly CheckpointPass[]
  readonly gate: CheckpointGate | null
}

/** Who was in the way when somebody looked. */
export interface Sight {
  readonly pin: WALPin | null
  /** Whether the platform shows who reads. */
  readonly canSee: boolean
  /** For how long the oldest snapshot of any state of the log has been held; 0 when none is. */
  readonly longestHeldMs: number
}

export interface CycleTools {
  readonly clock: Clock
  readonly gate: Gate
  readonly holders: Holders
  /** Whoever wants to begin to read waits, until the result is called. */
  holdBackReaders(): () => void
  /** Callers queued for the writer now. */
  waitingWriters(): number
  pass(mode: CheckpointMode, budgetMs: number): Promise<PassResult>
  /** The first frames of the log are about to be overwritten: begins to bring them into memory. */
  readAhead(): void
  /** What was copied goes to the disk, while nobody waits; `false` where that cannot be asked for. */
  sync(): Promise<boolean>
  /** Looks at the log, without touching it. */
  look(): Promise<Sight>
}

interface Pass {
  readonly mode: CheckpointMode
  readonly outcome: CheckpointOutcome
  readonly result: PassResult | null
  readonly errorCode: string | null
  readonly blockedBy: readonly HolderRef[]
  readonly pin: WALPin | null
  readonly longestHeldMs: number
}

/**
 * One checkpoint as its caller sees it, in order of what it costs others:
 *
 * 1. PASSIVE passes copy the bulk while nobody waits, and chase the writer until the rest is small. What they have
 *    copied is synced to the disk, also while nobody waits, and one more pass copies what came meanwhile.
 * 2. For a blocking mode the pool's writer lease is taken: writers wait in our queue. One more PASSIVE copies the rest.
 * 3. The blocking pass itself has nothing left to copy and only waits for readers, up to its budget. By itself it is
 *    not even tried when a reader has been there for longer than that.
 *
 * 400 MB that way stall a writer for 20 to 80 ms, where a direct TRUNCATE takes one or two seconds. Never rejects.
 */
export async function runCycle(
  plan: CyclePlan,
  tools: CycleTools & { readonly sizeBeforeBytes: number | null },
): Promise<CycleReport> {
  const startedAtMs = tools.clock.timeOriginMs + tools.clock.nowMs()
  const passes: Pass[] = []
  const run = async (mode: CheckpointMode): Promise<Pass> => {
    const pass = await runPass({ mode, budgetMs: plan.budgetMs }, tools)
    passes.push(pass)
    return pass
  }

  let chased = isBlocking(plan.mode) ? await chase(run) : await run('PASSIVE')
  const isGated = isBlocking(plan.mode) && plan.gateTimeoutMs !== null
  if (isGated && !isHopeless(chased, plan)) {
    if (plan.mode === 'RESTART') tools.readAhead()
    if (await tools.sync()) chased = await run('PASSIVE')
  }
  let gate: CheckpointGate | null = null
  if (isBlocking(plan.mode) && !isHopeless(chased, plan)) {
    const gated = await runBlocking(plan, { ...tools, run })
    gate = gated.gate
    if (gated.refusal !== null) passes.push(gated.refusal)
  }
  return report(passes, { startedAtMs, gate })
}

/** What would be tried next would only keep writers waiting. */
function isHopeless(pass: Pass, plan: CyclePlan): boolean {
  if (pass.outcome === 'error') return true
  if (!plan.isAutomatic) return false
  return pass.outcome === 'busy_checkpointer' || pass.longestHeldMs > plan.budgetMs
}

async function chase(run: (mode: CheckpointMode) => Promise<Pass>): Promise<Pass> {
  let pass = await run('PASSIVE')
  for (let i = 1; i < MAX_CHASES; i += 1) {
    const movedFrames = pass.result?.movedFrames ?? 0
    // What a writer adds while a pass runs is about what the next pass will have to copy.
    const isWorthAnother =
      (pass.outcome === 'complete' || pass.outcome === 'partial_writer') &&
      movedFrames > SMALL_REMAINDER_FRAMES
    if (!isWorthAnother) break
    const next = await run('PASSIVE')
    const isShrinking = (next.result?.movedFrames ?? 0) * 2 <= movedFrames
    pass = next
    if (!isShrinking) break
  }
  return pass
}

/** What happened behind the gate; the refusal if it was not let in. */
async function runBlocking(
  plan: CyclePlan,
  tools: CycleTools & { run(mode: CheckpointMode): Promise<Pass> },
): Promise<{ readonly gate: CheckpointGate | null; readonly refusal: Pass | null }> {
  if (plan.gateTimeoutMs === null) {
    await tools.run(plan.mode)
    return { gate: null, refusal: null }
  }
  const { clock } = tools
  let enteredMs: number | null = null
  let leftMs = 0
  const inside = async (): Promise<void> => {
    enteredMs = clock.nowMs()
    try {
      await runInside(plan, tools)
    } finally {
      leftMs = clock.nowMs()
    }
  }
  let refusal: Pass | null = null
  try {
    await tools.gate(inside, { timeoutMs: plan.gateTimeoutMs })
  } catch (error) {
    // Giving the lease back is the pool's affair, and the pass is done.
    if (enteredMs === null) refusal = refused(plan, tools, error)
  }
  if (enteredMs === null) return { gate: null, refusal }
  const gate = { startedAtMs: clock.timeOriginMs + enteredMs, durationMs: leftMs - enteredMs }
  return { gate, refusal }
}

async function runInside(
  plan: CyclePlan,
  tools: CycleTools & { run(mode: CheckpointMode): Promise<Pass> },
): Promise<void> {
  if (plan.yieldsToWriters && tools.waitingWriters() > 0) return
  const resume = plan.holdsReaders ? tools.holdBackReaders() : undefined
  try {
    const rest = await tools.run('PASSIVE')
    if (!isHopeless(rest, plan)) await tools.run(plan.mode)
  } finally {
    resume?.()
  }
}

function refused(plan: CyclePlan, tools: CycleTools, error: unknown): Pass {
  const errorCode = codeOf(error)
  // Nobody was in the way: nobody gets a connection any more.
  const isOver = errorCode === 'POOL_CLOSED' || errorCode === 'DB_REPLACED'
  return {
    mode: plan.mode,
    outcome: isOver ? 'error' : 'busy_writer',
    result: null,
    errorCode,
    blockedBy: isOver ? [] : tools.holders('writer'),
    pin: null,
    longestHeldMs: 0,
  }
}

async function runPass(
  request: { readonly mode: CheckpointMode; readonly budgetMs: number },
  tools: CycleTools & { readonly sizeBeforeBytes: number | null },
): Promise<Pass> {
  const { mode } = request
  const sentMs = tools.clock.nowMs()
  let result: PassResult
  try {
    result = await tools.pass(mode, request.budgetMs)
  } catch (error) {
    const errorCode = codeOf(error)
    const [blockedBy, pin, longestHeldMs] = [[], null, 0]
    return { mode, outcome: 'error', result: null, errorCode, blockedBy, pin, longestHeldMs }
  }
  const passMs = tools.clock.nowMs() - sentMs
  const { pin: seen, canSee, longestHeldMs } = await tools.look()
  // A snapshot that began after the pass kept nothing from being copied in it.
  const pin = seen !== null && seen.heldMs >= passMs ? seen : null
  const { sizeBeforeBytes } = tools
  const outcome = classify({ mode, pass: result, pin, sizeBeforeBytes })
  const [blockedBy, blocker] = isReaderInTheWay(outcome)
    ? [blockersOf({ pin, canSee }, tools, passMs), pin]
    : [[], null]
  return { mode, outcome, result, errorCode: null, blockedBy, pin: blocker, longestHeldMs }
}

function isReaderInTheWay(outcome: CheckpointOutcome): boolean {
  return (
    outcome === 'partial_reader' || outcome === 'blocked_read0' || outcome === 'complete_pinned'
  )
}

/** The lease that pins the log; where nobody can tell which, those that were out before the pass. */
function blockersOf(
  { pin, canSee }: Pick<Sight, 'pin' | 'canSee'>,
  tools: CycleTools,
  passMs: number,
): readonly HolderRef[] {
  if (pin?.holder.lease != null) return [pin.holder.lease]
  if (canSee || pin !== null) return []
  return tools.holders('reader').filter((holder) => holder.heldMs >= passMs)
}

function report(
  passes: readonly Pass[],
  rest: { readonly startedAtMs: number; readonly gate: CheckpointGate | null },
): CycleReport {
  const last = passes.at(-1)!
  const results = passes.flatMap((pass) => pass.result ?? [])
  const first = results[0]
  const latest = results.at(-1)
  const movedFrames = results.reduce((sum, result) => sum + result.movedFrames, 0)
  const startMs = first?.startedAtMs ?? rest.startedAtMs
  const endMs = latest === undefined ? startMs : latest.startedAtMs + latest.durationMs
  const isBusy = last.result === null ? last.outcome === 'busy_writer' : last.result.busy === 1
  return {
    mode: last.mode,
    outcome: last.outcome === 'noop' && movedFrames > 0 ? 'complete' : last.outcome,
    busy: isBusy ? 1 : 0,
    log: latest?.log ?? null,
    checkpointed: latest?.checkpointed ?? null,
    movedFrames,
    hasCopiedAll: latest !== undefined && hasCopiedAll(latest),
    startedAtMs: startMs,
    durationMs: endMs - startMs,
    errorCode: last.errorCode,
    blockedBy: last.blockedBy,
    pin: last.pin,
    passes: passes.flatMap(({ mode, result }) => (result === null ? [] : [passOf(mode, result)])),
    gate: rest.gate,
  }
}

const passOf = (
  mode: CheckpointMode,
  { startedAtMs, durationMs, movedFrames }: PassResult,
): CheckpointPass => ({ mode, startedAtMs, durationMs, movedFrames })

function codeOf(error: unknown): string {
  if (error instanceof WALError) return error.code
  const code = (error as { readonly code?: unknown } | null)?.code
  return typeof code === 'string' ? code : 'INTERNAL'
}
