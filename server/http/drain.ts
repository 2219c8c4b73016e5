import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { HttpError } from './http-error.ts'

const SWEEP_MS = 50

declare module 'fastify' {
  interface FastifyInstance {
    readonly drain: Drain
  }
}

export interface DrainResult {
  /** Connections that were still open at the deadline, and were cut. */
  readonly cutCount: number
}

/**
 * The end of the HTTP server, in which nobody who was let in loses their answer.
 *
 * `app.close()` alone would wait for a keep-alive connection until it times out, and for a silent
 * websocket for ever; forcing connections closed would cut requests off in their middle. Instead, from
 * `begin()` on, every answer asks its client to hang up, and connections without a request are swept away.
 */
export class Drain {
  readonly #app: FastifyInstance
  readonly #sockets = new Set<Socket>()
  readonly #newest = new WeakMap<Socket, IncomingMessage>()
  #isDraining = false
  #run: Promise<DrainResult> | null = null

  constructor(app: FastifyInstance) {
    this.#app = app
    // Counted here and not left to Node: it forgets a socket at its upgrade, and still waits for it.
    app.server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  get isDraining(): boolean {
    return this.#isDraining
  }

  /** Refuses new requests and upgrades; those that are running go on. */
  begin(): void {
    this.#isDraining = true
  }

  /**
   * Closes the server and everything that its plugins close with it. Connections that still have a
   * request after `deadlineMs` (from now) are cut. Called again, it is the same run.
   */
  run(options: { readonly deadlineMs: number }): Promise<DrainResult> {
    this.begin()
    return (this.#run ??= this.#close(options.deadlineMs))
  }

  /** Notes which request of its connection is the last one so far. */
  note(request: IncomingMessage): void {
    this.#newest.set(request.socket, request)
  }

  /**
   * Whether the answer to a request may end its connection. Behind it others may be waiting for theirs
   * (pipelining), and they were let in as well.
   */
  isLastOf(request: IncomingMessage): boolean {
    return this.#newest.get(request.socket) === request
  }

  async #close(deadlineMs: number): Promise<DrainResult> {
    const { server } = this.#app
    let cutCount = 0
    const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS)
    const deadline = setTimeout(() => {
      cutCount = this.#sockets.size
      for (const socket of this.#sockets) socket.destroy()
    }, deadlineMs)
    try {
      await this.#app.close()
      return { cutCount }
    } finally {
      clearInterval(sweep)
      clearTimeout(deadline)
    }
  }
}

async function drain(app: FastifyInstance): Promise<void> {
  const drain = new Drain(app)
  app.decorate('drain', drain)

  app.addHook('onRequest', (request, _reply, done) => {
    drain.note(request.raw)
    if (drain.isDraining && request.routeOptions.config.isProbe !== true) {
      throw new HttpError('POOL_DRAINING', 'the server is draining')
    }
    done()
  })

  app.addHook('onSend', (request, reply, _payload, done) => {
    if (drain.isDraining && drain.isLastOf(request.raw)) void reply.header('connection', 'close')
    done()
  })
}

export const drainPlugin = fp(drain, { name: 'drain' })
