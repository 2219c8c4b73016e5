import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { ErrorReply } from './error-envelope.ts'
import { HttpError } from './http-error.ts'
import { isRefusal, RefusalLog } from './refusal-log.ts'
import { sendError } from './send-error.ts'

/** Every error leaves as the one envelope. What is our fault is logged, once and with its error. */
async function errors(app: FastifyInstance): Promise<void> {
  const refusalLog = new RefusalLog()

  app.setErrorHandler((error, request, reply) => {
    logFailure(error, request, sendError(error, request, reply))
  })

  app.setNotFoundHandler((request, reply) => {
    const methods = methodsAt(app, request)
    // A route that finds nothing to serve (a file, say) ends up here with a method that is right.
    if (methods.length === 0 || methods.includes(request.method)) {
      sendError(new HttpError('NOT_FOUND', 'There is nothing here.'), request, reply)
      return
    }
    const allow = methods.join(', ')
    void reply.header('allow', allow)
    sendError(new HttpError('METHOD_NOT_ALLOWED', `Use ${allow} here.`), request, reply)
  })

  function logFailure(error: unknown, request: FastifyRequest, { status, body }: ErrorReply): void {
    const { code } = body.error
    // The client has gone.
    if (status < 500 || code === 'POOL_ABORTED' || code === 'STATEMENT_CANCELLED') return
    if (isRefusal(code)) {
      const count = refusalLog.count(code)
      if (count !== null) request.log.warn({ code, count }, 'requests refused')
      return
    }
    // The template and not the address: a query string may hold what is nobody's business.
    const { method, url: route } = request.routeOptions
    request.log.error({ err: error, code, method, route }, 'request failed')
  }
}

const knownMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/** What an address that has no route for this method can be used with. */
function methodsAt(app: FastifyInstance, request: FastifyRequest): string[] {
  const url = request.url.split('?', 1)[0]!
  return knownMethods.filter((method) => app.findRoute({ method, url }) !== null)
}

export const errorsPlugin = fp(errors, { name: 'errors' })
