import type { LitestreamErrorCode } from './metrics.ts'

export interface PageOptions {
  /** For the whole answer. *Default*: 2000. */
  readonly timeoutMs?: number
  /** *Default*: the global one. */
  readonly fetch?: typeof globalThis.fetch
  /** Gives up; the error is then `LITESTREAM_UNREACHABLE`. */
  readonly signal?: AbortSignal
}

/** Becomes the `error` of a result; nobody outside sees it. */
export class LitestreamError extends Error {
  readonly code: LitestreamErrorCode

  constructor(code: LitestreamErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

const TIMEOUT_MS = 2000
const MAX_BYTES = 1024 * 1024

/**
 * The text of a page of metrics.
 *
 * @throws {LitestreamError} and nothing else
 */
export async function fetchPage(url: string, options: PageOptions): Promise<string> {
  const target = parseTarget(url)
  const { timeoutMs = TIMEOUT_MS, fetch = globalThis.fetch, signal } = options
  const timeout = AbortSignal.timeout(timeoutMs)
  const signals = signal === undefined ? [timeout] : [timeout, signal]
  try {
    // A redirect could lead anywhere, also to where only this machine may ask.
    const response = await fetch(target, { redirect: 'manual', signal: AbortSignal.any(signals) })
    if (response.status !== 200) {
      await response.body?.cancel()
      const message = `${target.host} answered ${response.status}`
      throw new LitestreamError('LITESTREAM_BAD_STATUS', message)
    }
    return await readText(response)
  } catch (error) {
    if (error instanceof LitestreamError) throw error
    if (timeout.aborted) {
      const message = `${target.host} did not answer within ${timeoutMs} ms`
      throw new LitestreamError('LITESTREAM_TIMEOUT', message)
    }
    throw new LitestreamError('LITESTREAM_UNREACHABLE', `${target.host}: ${reasonOf(error)}`)
  }
}

function parseTarget(url: string): URL {
  const target = URL.parse(url)
  const isHttp = target?.protocol === 'http:' || target?.protocol === 'https:'
  if (target === null || !isHttp || target.username !== '' || target.password !== '') {
    // The URL itself is not shown: it may have a password in it.
    const message = 'the address of the metrics must be an http or https URL without a password'
    throw new LitestreamError('LITESTREAM_INVALID_URL', message)
  }
  if (target.pathname === '/') target.pathname = '/metrics'
  return target
}

async function readText({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of body ?? []) {
    sizeBytes += chunk.byteLength
    // Leaving the loop cancels the body.
    if (sizeBytes > MAX_BYTES) {
      throw new LitestreamError('LITESTREAM_TOO_LARGE', `the answer is longer than ${MAX_BYTES} B`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** What `fetch` says itself is only that it failed. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  const { code, message } = cause as { code?: unknown; message?: unknown }
  return String(code ?? message ?? cause)
}
