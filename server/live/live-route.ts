import type {} from '@fastify/websocket'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Static } from 'typebox'
import type { WebSocket } from 'ws'
import { SUBPROTOCOL } from '../../telemetry/protocol.ts'
import type { Live } from './live.ts'
import { LiveRefusal } from './refusal.ts'
import type {} from '../http/access/route-access.ts'

const querySchema = Type.Object(
  {
    /** The `bootId` and the last frame that an earlier connection, or the history, ended with. */
    boot: Type.Optional(Type.String({ maxLength: 64 })),
    after: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
  },
  { additionalProperties: false },
)
type LiveQuery = Static<typeof querySchema>

/** `/api/v1/live`: the stream. Whatever refuses a viewer does so before the 101, as an HTTP error. */
export function liveRoute(app: FastifyInstance, live: Live): void {
  app.route<{ Querystring: LiveQuery }>({
    method: 'GET',
    url: '/api/v1/live',
    config: { access: 'viewer' },
    schema: { hide: true, querystring: querySchema },
    // Synchronous, and the last one: no other viewer can come between the count and the handler.
    preHandler: (request, _reply, done) => {
      if (request.ws) assertPlace(live)
      done()
    },
    handler: () => {
      throw new LiveRefusal('NOT_FOUND', 'This is a websocket: ask for an upgrade.')
    },
    wsHandler: (socket, request) => {
      if (!speaksOurs(socket)) return
      live.accept(socket, {
        isAdmin: request.access === 'admin',
        isAccessAlive: () => request.isAccessAlive(),
        resume: readResume(request.query as LiveQuery),
      })
    },
  })
}

function assertPlace(live: Live): void {
  if (live.isClosed) throw new LiveRefusal('POOL_DRAINING', 'The server is shutting down.')
  if (live.isFull) throw new LiveRefusal('OVERLOADED', 'Too many viewers.')
}

/** A page of another version has to load the one that this server has. */
function speaksOurs(socket: WebSocket): boolean {
  if (socket.protocol === '' || socket.protocol === SUBPROTOCOL) return true
  socket.send(JSON.stringify(['bye', 0, 'reload']))
  socket.close(1002, 'another version of the protocol')
  return false
}

function readResume({
  boot,
  after,
}: LiveQuery): { readonly bootId: string; readonly afterSeq: number } | null {
  if (boot === undefined && after === undefined) return null
  // Half of it names no place in any stream: the viewer is told of a gap.
  return { bootId: boot ?? '', afterSeq: after ?? Number.MAX_SAFE_INTEGER }
}
