import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { HttpError } from './http-error.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Aborts when the client hangs up before its answer is finished. Its reason has the code `POOL_ABORTED`. */
    readonly clientSignal: AbortSignal
  }
}

const kReply = Symbol('reply')
const kSignal = Symbol('clientSignal')

type Marked = FastifyRequest & { [kReply]: FastifyReply; [kSignal]: AbortSignal | null }

/**
 * `request.clientSignal`. Fastify's own `request.signal` aborts at once on every request that has a body:
 * it listens to the request's `close`, which fires when the body has been read. We listen to the response.
 */
async function clientSignal(app: FastifyInstance): Promise<void> {
  app.decorateRequest(kReply, null)
  app.decorateRequest(kSignal, null)
  app.decorateRequest('clientSignal', {
    // Made when somebody asks: most requests are answered without.
    getter(this: FastifyRequest) {
      const marked = this as Marked
      return (marked[kSignal] ??= signalOf(marked[kReply].raw))
    },
  })
  app.addHook('onRequest', (request, reply, done) => {
    const marked = request as Marked
    marked[kReply] = reply
    done()
  })
}

function signalOf(response: FastifyReply['raw']): AbortSignal {
  const controller = new AbortController()
  const hearClose = (): void => {
    if (!response.writableFinished) {
      controller.abort(new HttpError('POOL_ABORTED', 'the client hung up'))
    }
  }
  if (response.closed) hearClose()
  else response.once('close', hearClose)
  return controller.signal
}

export const clientSignalPlugin = fp(clientSignal, { name: 'client-signal' })
