import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { Type, type Static } from 'typebox'
import { HttpError } from '../http-error.ts'
import { credentialOf } from './credential.ts'
import { clearSessionCookie, setSessionCookie } from './session-cookie.ts'
import type { Sessions } from './sessions.ts'
import type { Tokens } from './tokens.ts'

export interface SessionRouteOptions {
  readonly tokens: Tokens
  readonly sessions: Sessions
}

const loginBody = Type.Object(
  { token: Type.String({ minLength: 1, maxLength: 512 }) },
  { additionalProperties: false },
)

const accessReply = Type.Object(
  { access: Type.Enum(['viewer', 'admin']) },
  { additionalProperties: false },
)

/** Guesses are hopeless at 256 bits; this keeps them from filling the log as well. */
const loginLimit = { max: 10, timeWindow: 60_000 }

/** Log in, ask who one is, log out. The token travels in a body, never in an address that gets logged. */
async function sessionRoutes(app: FastifyInstance, options: SessionRouteOptions): Promise<void> {
  const { tokens, sessions } = options
  const path = '/api/auth/session'

  app.post<{ Body: Static<typeof loginBody> }>(
    path,
    {
      config: { access: 'open', isEssential: true, rateLimit: loginLimit },
      schema: {
        tags: ['session'],
        summary: 'Exchange a token for a session cookie',
        body: loginBody,
        response: { 200: accessReply },
      },
    },
    (request, reply) => {
      const verdict = tokens.exchange(request.body.token)
      if (verdict === 'used' && request.access !== 'none') {
        // The same link once more, in a browser that it has logged in already.
        return reply.send({ access: request.access })
      }
      if (verdict === 'used' || verdict === 'unknown') {
        request.log.warn(
          { audit: { verb: 'login', result: verdict, ip: request.ip } },
          'login refused',
        )
        throw new HttpError('UNAUTHENTICATED', refusals[verdict])
      }
      const before = credentialOf(request)
      if (before?.kind === 'cookie') sessions.end(before.value)
      setSessionCookie(request, reply, sessions.start(verdict))
      request.log.info({ audit: { verb: 'login', result: verdict, ip: request.ip } }, 'logged in')
      return reply.send({ access: verdict })
    },
  )

  app.get(
    path,
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['session'],
        summary: 'What this session, or token, may do',
        response: { 200: accessReply },
      },
    },
    (request, reply) => reply.send({ access: request.access }),
  )

  app.delete(
    path,
    {
      config: { access: 'open', isEssential: true },
      schema: {
        tags: ['session'],
        summary: 'Log out',
        response: { 204: Type.Null({ description: 'Logged out, or was not logged in.' }) },
      },
    },
    (request, reply) => {
      const credential = credentialOf(request)
      if (credential?.kind === 'cookie') sessions.end(credential.value)
      clearSessionCookie(request, reply)
      return reply.code(204).send()
    },
  )
}

const refusals = {
  used: 'This link was used already, and opens one session only. Restart the server for a new link, or set ADMIN_TOKEN.',
  unknown: 'This token is not known here.',
} as const

export const sessionRoutesPlugin = fp(sessionRoutes, {
  name: 'session-routes',
  dependencies: ['access', 'rate-limit'],
})
