import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import websocket from '@fastify/websocket'
import fastify, { type FastifyInstance } from 'fastify'
import { readConfig, type Config } from '../../config.ts'
import { tempDatabase } from '../../testing/temp-db.ts'
import { Sessions } from '../access/sessions.ts'
import { Tokens } from '../access/tokens.ts'
import { httpPlugin } from '../http-plugin.ts'
import { serverOptions } from '../server-options.ts'

interface Cleanup {
  after(fn: () => void | Promise<void>): void
}

export const ADMIN_TOKEN = 'f3b1c9a07d5e4826b1f09c3ad7e85416'
export const VIEWER_TOKEN = '8d2e60b7c41f49a3950d7be1c6a2f834'

export interface Rig {
  readonly app: FastifyInstance
  readonly config: Config
  readonly tokens: Tokens
  readonly sessions: Sessions
  /** The log so far. */
  readonly lines: () => Record<string, unknown>[]
}

interface RigOptions {
  readonly env?: Readonly<Record<string, string>>
  /** Called when all that stands before the routes is there. */
  readonly routes?: (app: FastifyInstance, rig: Rig) => void | Promise<void>
}

/** The real Fastify with everything that stands before the routes, not yet listening. */
export async function createRig(t: Cleanup, options: RigOptions = {}): Promise<Rig> {
  const tokensGiven = { ADMIN_TOKEN, VIEWER_TOKEN }
  const env = { DATABASE_PATH: tempDatabase(t), ...(options.env ?? tokensGiven) }
  const config = readConfig(env)
  let log = ''
  const logStream = { write: (line: string) => void (log += line) }
  const app = fastify(serverOptions(config, { logStream }))
  t.after(() => app.close())
  const tokens = new Tokens(config.access)
  const sessions = new Sessions()
  const lines = (): Record<string, unknown>[] =>
    log
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  const rig = { app, config, tokens, sessions, lines }
  // A machine that runs other tests as well is late often enough.
  const maxLoopDelayMs = 0
  await app.register(httpPlugin, { config, tokens, sessions, version: '0.0.0', maxLoopDelayMs })
  await app.register(websocket)
  await options.routes?.(app, rig)
  await app.ready()
  return rig
}

/** Listens on a free port of loopback. */
export async function listen(app: FastifyInstance): Promise<number> {
  await app.listen({ host: '127.0.0.1', port: 0 })
  return (app.server.address() as AddressInfo).port
}

/** Sends bytes as they are, and reads until the server hangs up. */
export async function exchange(port: number, request: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let answer = ''
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')))
  // Being cut off while still sending is one of the ways to be refused.
  socket.on('error', () => undefined)
  socket.write(request)
  await once(socket, 'close')
  return answer
}

/** One request as text: CRLF between the lines, `Connection: close` unless it asks for an upgrade. */
export const request = (lines: readonly string[], body = ''): string =>
  [...lines, '', body].join('\r\n')

export const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])

export const bearer = (token: string): { authorization: string } => ({
  authorization: `Bearer ${token}`,
})
