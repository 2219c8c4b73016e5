import { signal } from '@preact/signals'
import type { Signal } from '@preact/signals'
import type { Api, Reply } from './api.ts'

export type Access = 'viewer' | 'admin'
/** `checking` before the server has answered for the first time. */
export type SessionStatus = 'checking' | 'signed_out' | 'signed_in'

/** Who looks at this page, as the server knows it. */
export class Session {
  readonly status: Signal<SessionStatus> = signal('checking')
  readonly access: Signal<Access> = signal('viewer')
  /** Why there is no session, for the login panel; empty when nothing was tried. */
  readonly message: Signal<string> = signal('')
  readonly isBusy: Signal<boolean> = signal(false)
  readonly #api: Api

  constructor(api: Api) {
    this.#api = api
  }

  /** Logs in with the token of the link, or finds out whether the cookie still stands. */
  async start(token: string | null): Promise<void> {
    await (token === null ? this.resume() : this.logIn(token))
  }

  async logIn(token: string): Promise<void> {
    this.isBusy.value = true
    const reply = await this.#api.post<{ access?: unknown }>('auth/session', { token })
    this.isBusy.value = false
    if (reply.kind === 'ok') {
      this.#open(reply.body)
      return
    }
    // A link opened twice has used up its token, and the cookie of the first time still stands.
    const isOpen = reply.kind === 'unauthenticated' && (await this.#check())
    if (!isOpen) this.#close(loginMessage(reply))
  }

  /** Asks whether there is a session by now: after a restart of the server, or a login in another tab. */
  async resume(): Promise<void> {
    if (!(await this.#check())) this.#close(this.message.value)
  }

  async logOut(): Promise<void> {
    await this.#api.delete('auth/session')
    this.#close('')
  }

  /** The server does not know this session any more. */
  expire(): void {
    this.#close('Your session has ended. Log in again to go on.')
  }

  async #check(): Promise<boolean> {
    const reply = await this.#api.get<{ access?: unknown }>('auth/session')
    if (reply.kind === 'ok') this.#open(reply.body)
    if (reply.kind === 'unreachable') this.#close('The server does not answer. Is it running?')
    return reply.kind === 'ok'
  }

  #open(body: { access?: unknown } | null): void {
    this.access.value = body?.access === 'admin' ? 'admin' : 'viewer'
    this.message.value = ''
    this.status.value = 'signed_in'
  }

  #close(message: string): void {
    this.message.value = message
    this.status.value = 'signed_out'
  }
}

function loginMessage(reply: Exclude<Reply<unknown>, { readonly kind: 'ok' }>): string {
  switch (reply.kind) {
    case 'unauthenticated':
      return 'This token is wrong, has expired, or was used already. A link works once: take a fresh one from the server’s output.'
    case 'rate_limited':
      return `Too many attempts. Wait ${reply.retryAfterSeconds === null ? 'a minute' : `${reply.retryAfterSeconds} s`}, then try again.`
    case 'refused':
      return reply.message === ''
        ? `The server refused the login (${reply.status}).`
        : `The server refused the login: ${reply.message}`
    case 'unreachable':
      return 'The server does not answer. Is it running?'
  }
}
