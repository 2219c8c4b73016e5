import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as TlsAgent, request as httpsRequest } from 'node:https'

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

export interface Answer {
  readonly status: number
  /** `undefined` when there is none, or it is no JSON. */
  readonly body: unknown
}

/**
 * One server, over connections that are kept. node:http and not fetch, which costs this process several
 * times as much a request: on a shared machine that is taken from the server that is being measured.
 */
export class ApiClient {
  readonly #agent: Agent
  readonly #send: typeof httpRequest
  readonly #base: URL
  readonly #prefix: string
  readonly #timeoutMs: number

  constructor(options: {
    readonly url: URL
    readonly concurrency: number
    readonly timeoutMs: number
  }) {
    const isTls = options.url.protocol === 'https:'
    const agentOptions = { keepAlive: true, maxSockets: options.concurrency }
    this.#agent = isTls ? new TlsAgent(agentOptions) : new Agent(agentOptions)
    this.#send = isTls ? httpsRequest : httpRequest
    this.#base = options.url
    this.#prefix = options.url.pathname.replace(/\/+$/, '')
    this.#timeoutMs = options.timeoutMs
  }

  /**
   * Sends one request and reads the whole answer.
   * @throws what the socket says, with its `code`; `TIMEOUT` after `timeoutMs` without an answer.
   */
  async send(method: Method, path: string, body?: unknown): Promise<Answer> {
    try {
      return await this.#sendOnce(method, path, body)
    } catch (error) {
      // The server may close a kept connection just as we reuse it; only a read is safe to repeat.
      if (method === 'GET' && (error as StaleError).isStale === true) {
        return await this.#sendOnce(method, path, body)
      }
      throw error
    }
  }

  #sendOnce(method: Method, path: string, body: unknown): Promise<Answer> {
    const text = body === undefined ? undefined : JSON.stringify(body)
    return new Promise((resolve, reject) => {
      const request = this.#send({
        agent: this.#agent,
        host: this.#base.hostname.replace(/^\[|\]$/g, ''),
        port: this.#base.port,
        method,
        path: this.#prefix + path,
        headers: {
          accept: 'application/json',
          ...(text !== undefined && {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(text),
          }),
        },
      })
      request.setTimeout(this.#timeoutMs, () => {
        request.destroy(Object.assign(new Error('no answer in time'), { code: 'TIMEOUT' }))
      })
      request.on('error', (error: StaleError) => {
        error.isStale = request.reusedSocket && error.code === 'ECONNRESET'
        reject(error)
      })
      request.on('response', (response) => {
        readAnswer(response).then(resolve, reject)
      })
      request.end(text)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}

interface StaleError extends NodeJS.ErrnoException {
  isStale?: boolean
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return { status: response.statusCode!, body: parseJson(Buffer.concat(chunks).toString()) }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
