import websocket from '@fastify/websocket'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { SUBPROTOCOL } from '../../telemetry/protocol.ts'
import { watchEventLoopDelay } from './event-loop-delay.ts'
import { historyRoute } from './history-route.ts'
import { CLOSE_GRACE_MS } from './hub.ts'
import { liveRoute } from './live-route.ts'
import { Live } from './live.ts'
import type { LiveOptions } from './live.ts'

/** A viewer sends nothing but acknowledgements. */
const INBOUND_LIMIT_BYTES = 4096

export type LivePluginOptions = Pick<
  LiveOptions,
  'view' | 'onEvent' | 'clock' | 'maxViewers' | 'bootId'
>

declare module 'fastify' {
  interface FastifyInstance {
    readonly live: Live
  }
}

/**
 * History over HTTP and the live stream over a websocket. It needs the access plugin's decorators. Closing
 * the server says goodbye to the viewers first; `app.live.shutdown()` does it earlier.
 */
async function livePluginBody(app: FastifyInstance, options: LivePluginOptions): Promise<void> {
  const loopDelay = watchEventLoopDelay()
  const live = new Live({
    ...options,
    readEventLoopDelayMs: () => loopDelay.read(),
    onError: onceUntilChanged((error) => {
      app.log.error({ err: error }, 'the pool could not be sampled')
    }),
  })
  app.decorate('live', live)

  await app.register(websocket, {
    options: socketOptions,
    // Resets and oversized messages are a viewer's business: ws has closed the socket already.
    errorHandler: (error, socket, request) => {
      request.log.debug({ err: error }, 'a viewer was cut off')
      if (socket.readyState === socket.OPEN) socket.close(1011)
    },
    // Instead of its own, which waits for viewers that are silent.
    preClose: async () => {
      loopDelay.stop()
      await live.shutdown()
    },
  })
  historyRoute(app, live)
  liveRoute(app, live)
}

const socketOptions = {
  // Four to six times the processor time for a stream that is small already.
  perMessageDeflate: false,
  maxPayload: INBOUND_LIMIT_BYTES,
  // After a close that ws itself began; its default is 30 s. Not in its types yet.
  closeTimeout: CLOSE_GRACE_MS,
  // Another version's name is accepted too: only over an open socket can the page be told to reload.
  handleProtocols: (offered: Set<string>) =>
    offered.has(SUBPROTOCOL) ? SUBPROTOCOL : (offered.values().next().value ?? false),
}

/** Four errors a second of the same kind are one line in the log. */
function onceUntilChanged(log: (error: unknown) => void): (error: unknown) => void {
  let last = ''
  return (error) => {
    const text = String(error)
    if (text !== last) log(error)
    last = text
  }
}

export const livePlugin = fp(livePluginBody, {
  name: 'live',
  decorators: { request: ['access', 'isAccessAlive'] },
})
