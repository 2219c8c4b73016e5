import { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { isUpgrade } from './access/upgrade.ts'
import { toErrorReply, type ErrorReply } from './error-envelope.ts'

/** Answers with the envelope. */
export function sendError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): ErrorReply {
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  const answer = toErrorReply(error, { requestId: request.id, isRead })
  if (isUpgrade(request)) closeWhenSent(request, reply)
  // Serialised here, so that no reply schema of the route drops a field of the envelope.
  void reply
    .code(answer.status)
    .headers(answer.headers)
    .type('application/json; charset=utf-8')
    .send(JSON.stringify(answer.body))
  return answer
}

/** Node has handed the socket of an upgrade over and looks after it no longer: a refused one would stay open. */
function closeWhenSent({ raw: { socket } }: FastifyRequest, reply: FastifyReply): void {
  void reply.header('connection', 'close')
  if (socket instanceof Socket) reply.raw.once('finish', () => socket.destroySoon())
}
