/** What an answer of the server came to. `unreachable` had none. */
export type Reply<T> =
  | { readonly kind: 'ok'; readonly body: T }
  | { readonly kind: 'unauthenticated'; readonly message: string }
  | { readonly kind: 'rate_limited'; readonly retryAfterSeconds: number | null }
  | { readonly kind: 'refused'; readonly status: number; readonly message: string }
  | { readonly kind: 'unreachable' }

/** The part of `fetch` that the page uses. */
export type Fetch = (
  address: string,
  init: {
    readonly method: string
    readonly credentials: 'same-origin'
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: string
  },
) => Promise<{
  readonly ok: boolean
  readonly status: number
  readonly headers: { get(name: string): string | null }
  json(): Promise<unknown>
}>

/** Asks the server; addresses are relative to the page, so that a path prefix in front does no harm. */
export class Api {
  readonly #fetch: Fetch

  constructor(fetch: Fetch) {
    this.#fetch = fetch
  }

  async get<T>(path: string): Promise<Reply<T>> {
    return this.#ask<T>('GET', path)
  }

  async post<T>(path: string, body: unknown): Promise<Reply<T>> {
    return this.#ask<T>('POST', path, body)
  }

  async delete(path: string): Promise<Reply<unknown>> {
    return this.#ask('DELETE', path)
  }

  async #ask<T>(method: string, path: string, body?: unknown): Promise<Reply<T>> {
    try {
      const response = await this.#fetch(`../api/${path}`, {
        method,
        credentials: 'same-origin',
        ...(body !== undefined && {
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
      })
      const answer = response.status === 204 ? null : await response.json().catch(() => null)
      if (response.ok) return { kind: 'ok', body: answer as T }
      const message = messageOf(answer)
      if (response.status === 401) return { kind: 'unauthenticated', message }
      if (response.status === 429) {
        const seconds = Number.parseInt(response.headers.get('retry-after') ?? '', 10)
        const retryAfterSeconds = Number.isFinite(seconds) ? seconds : null
        return { kind: 'rate_limited', retryAfterSeconds }
      }
      return { kind: 'refused', status: response.status, message }
    } catch {
      return { kind: 'unreachable' }
    }
  }
}

const messageOf = (answer: unknown): string => {
  const error = (answer as { readonly error?: { readonly message?: unknown } } | null)?.error
  return typeof error?.message === 'string' ? error.message : ''
}
