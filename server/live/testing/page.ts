import { once } from 'node:events'
import type { FastifyInstance } from 'fastify'
import { WebSocket } from 'ws'
import type { ClientOptions } from 'ws'
import type { ServerFrame } from '../../../telemetry/protocol.ts'
import { until } from '../../testing/until.ts'

interface Cleanup {
  after(fn: () => void): void
}

const numbered = new Set<string>(['tick', 'state', 'event'])

/** A dashboard's end of the stream, over a real socket. */
export class Page {
  readonly socket: WebSocket
  readonly frames: ServerFrame[] = []
  /** The code that the connection ended with. */
  readonly closed: Promise<number>
  acknowledges = true

  constructor(socket: WebSocket) {
    this.socket = socket
    this.closed = new Promise((resolve) => socket.on('close', resolve))
    socket.on('error', () => {})
    socket.on('message', (data: Buffer) => this.#hear(data))
  }

  get seqs(): number[] {
    return this.frames.filter(([type]) => numbered.has(type)).map((frame) => frame[1])
  }

  get types(): string[] {
    return this.frames.map(([type]) => type)
  }

  /** Waits for a frame of this type and returns the first. */
  async first<T extends ServerFrame[0]>(
    type: T,
  ): Promise<Extract<ServerFrame, readonly [T, ...unknown[]]>> {
    const find = (): ServerFrame | undefined => this.frames.find((frame) => frame[0] === type)
    await until(() => find() !== undefined)
    return find() as Extract<ServerFrame, readonly [T, ...unknown[]]>
  }

  /** Bytes past the library, as an attacker sends them. */
  write(bytes: Buffer): void {
    ;(this.socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(bytes)
  }

  #hear(data: Buffer): void {
    const frame = JSON.parse(data.toString()) as ServerFrame
    this.frames.push(frame)
    if (this.acknowledges && numbered.has(frame[0])) {
      this.socket.send(JSON.stringify(['ack', frame[1]]))
    }
  }
}

export interface PageOptions {
  readonly query?: string
  readonly subprotocols?: string[]
  readonly client?: ClientOptions
}

/** A client that may or may not be let in. */
export function connectPage(
  t: Cleanup,
  app: FastifyInstance,
  options: PageOptions = {},
): WebSocket {
  const { query = '', subprotocols = [], client = {} } = options
  const origin = app.listeningOrigin.replace('http', 'ws')
  const socket = new WebSocket(`${origin}/api/v1/live${query}`, subprotocols, client)
  t.after(() => socket.terminate())
  return socket
}

/** Opens the stream and waits for its hello. */
export async function openPage(
  t: Cleanup,
  app: FastifyInstance,
  options: PageOptions = {},
): Promise<Page> {
  const page = new Page(connectPage(t, app, options))
  await page.first('hello')
  return page
}

/** Asks for the stream and is refused: status and body. */
export async function refused(
  t: Cleanup,
  app: FastifyInstance,
  options: PageOptions = {},
): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }> {
  const socket = connectPage(t, app, options)
  socket.on('error', () => {})
  const [, response] = (await once(socket, 'unexpected-response')) as [
    unknown,
    NodeJS.ReadableStream & { readonly statusCode: number },
  ]
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return { status: response.statusCode, body: JSON.parse(text) as Record<string, unknown> }
}
