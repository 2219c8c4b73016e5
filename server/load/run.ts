import { randomBytes } from 'node:crypto'
import { ApiClient, type Answer } from './api-client.ts'
import { Catalogue, PASSING_NAME, pageOf, PRODUCTS_PATH } from './catalogue.ts'
import type { LoadClock } from './clock.ts'
import type { LoadOptions } from './flags.ts'
import { pickKind } from './mix.ts'
import { startProgress, type ProgressOutput } from './progress.ts'
import { Random } from '../random.ts'
import { Schedule } from './schedule.ts'
import { summarize, type Summary } from './summary.ts'
import { Tally } from './tally.ts'
import { tidyUp } from './tidy-up.ts'

const REQUEST_TIMEOUT_MS = 30_000
const TIDY_UP_LIMIT_MS = 15_000
/** After a refusal or an error a caller of a closed loop pauses, or it would do nothing but be refused. */
const PAUSE_MS = 100

/** There is no products API at the address. `main.ts` exits with 69. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError'
}

/**
 * Drives the server until the time is up or `signal` aborts, deletes what it made, and says what happened.
 * @throws {UnreachableError} when there is nothing to drive; nothing was sent but one GET.
 */
export async function runLoad(
  options: LoadOptions,
  parts: {
    readonly clock: LoadClock
    readonly signal: AbortSignal
    readonly progress: ProgressOutput
  },
): Promise<Summary> {
  const { clock, signal } = parts
  const client = new ApiClient({ ...options, timeoutMs: REQUEST_TIMEOUT_MS })
  const random = new Random(options.seed)
  const catalogue = new Catalogue({
    tag: `${PASSING_NAME}${randomBytes(4).toString('hex')}`,
    random,
  })
  try {
    catalogue.learn(await findProducts(client, options.url))
    const schedule = new Schedule({ ...options, clock })
    const tally = new Tally()
    const stop = (): void => schedule.stop()
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    const progress = startProgress({ ...parts, tally, schedule, durationMs: options.durationMs })
    const call = (): Promise<void> =>
      callUntilOver({ options, clock, client, random, catalogue, schedule, tally })
    await Promise.all(Array.from({ length: options.concurrency }, call))
    progress.stop()
    const elapsedMs = clock.nowMs() - schedule.startedAtMs
    const { unsentCount } = schedule
    await tidyUp({
      client,
      catalogue,
      concurrency: options.concurrency,
      signal: AbortSignal.timeout(TIDY_UP_LIMIT_MS),
    })
    return summarize({
      options,
      tally,
      elapsedMs,
      unsentCount,
      isEndedEarly: signal.aborted,
      rows: catalogue,
    })
  } finally {
    client.close()
  }
}

async function findProducts(client: ApiClient, url: URL): Promise<Answer> {
  let answer: Answer
  try {
    answer = await client.send('GET', `${PRODUCTS_PATH}?limit=100`)
  } catch (error) {
    throw new UnreachableError(
      `${url.href} cannot be reached (${codeOf(error)}): is the server running? \`npm start\` starts it.`,
      { cause: error },
    )
  }
  // A server that is busy now is what this program is for.
  if (pageOf(answer) !== null || answer.status === 503) return answer
  throw new UnreachableError(
    `${url.href} has no products API: GET ${PRODUCTS_PATH} was answered with ${answer.status}.`,
  )
}

interface Caller {
  readonly options: LoadOptions
  readonly clock: LoadClock
  readonly client: ApiClient
  readonly random: Random
  readonly catalogue: Catalogue
  readonly schedule: Schedule
  readonly tally: Tally
}

async function callUntilOver(caller: Caller): Promise<void> {
  const { options, clock, random, catalogue, schedule, tally } = caller
  const isOpenLoop = options.requestsPerSecond !== null
  for (;;) {
    const intendedAtMs = await schedule.next()
    if (intendedAtMs === null) return
    if (isOpenLoop) tally.lateness.record(clock.nowMs() - intendedAtMs)
    const call = catalogue.plan(pickKind(options.mix, random))
    const isRefused = await send(caller, call, intendedAtMs)
    if (!isRefused || isOpenLoop) continue
    tally.pauseCount += 1
    await schedule.sleep(PAUSE_MS)
  }
}

/** Resolves to whether the server refused, or did not answer. */
async function send(
  { client, clock, tally }: Caller,
  call: ReturnType<Catalogue['plan']>,
  intendedAtMs: number,
): Promise<boolean> {
  let answer: Answer
  try {
    answer = await client.send(call.method, call.path, call.body)
  } catch (error) {
    tally.recordError(codeOf(error))
    call.settle(null)
    return true
  }
  tally.recordAnswer(call.kind, clock.nowMs() - intendedAtMs, {
    status: answer.status,
    code: refusalOf(answer),
  })
  call.settle(answer)
  return answer.status >= 429
}

function codeOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code ?? message
}

/** The code in an error's body. */
function refusalOf({ status, body }: Answer): string | null {
  if (status < 400) return null
  const { error } = Object(body) as { readonly error?: unknown }
  const { code } = Object(error) as { readonly code?: unknown }
  return typeof code === 'string' ? code : null
}
