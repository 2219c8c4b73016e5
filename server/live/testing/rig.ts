import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import type { History } from '../../../telemetry/protocol.ts'
import { HandClock } from '../../testing/hand-clock.ts'
import { until } from '../../testing/until.ts'
import { livePlugin } from '../live-plugin.ts'
import type { Page } from './page.ts'
import { TestView } from './test-view.ts'

export const TICK_MS = 250

/** A server with the stream and the history, on a clock turned by hand. */
export interface Rig {
  readonly app: FastifyInstance
  readonly view: TestView
  readonly clock: HandClock
  /** Who is asking, and whether their session stands. */
  readonly visitor: { access: 'viewer' | 'admin'; isAlive: boolean }
  /** Turns the clock by ticks and waits until these pages have got each of them. */
  readonly turn: (count: number, ...pages: readonly Page[]) => Promise<void>
}

export async function rig(
  t: TestContext,
  { maxViewers = 100, failure = null as Error | null } = {},
): Promise<Rig> {
  const clock = new HandClock()
  const view = new TestView(() => clock.timeOriginMs + clock.nowMs())
  view.failure = failure
  const visitor: Rig['visitor'] = { access: 'viewer', isAlive: true }
  const app = fastify()
  t.after(() => app.close())
  app.decorateRequest('access', 'none')
  app.decorateRequest('isAccessAlive', () => visitor.isAlive)
  app.addHook('onRequest', async (request) => {
    request.access = visitor.access
  })
  await app.register(livePlugin, {
    view,
    onEvent: (sink) => view.onEvent(sink),
    clock,
    maxViewers,
    bootId: 'boot-1',
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const turn = async (count: number, ...pages: readonly Page[]): Promise<void> => {
    for (let i = 0; i < count; i += 1) {
      const counts = pages.map(({ types }) => types.filter((type) => type === 'tick').length)
      clock.advance(TICK_MS)
      await until(() =>
        pages.every(
          ({ types }, index) => types.filter((type) => type === 'tick').length > counts[index]!,
        ),
      )
    }
  }
  return { app, view, clock, visitor, turn }
}

export async function readHistory(app: FastifyInstance, query = ''): Promise<History> {
  const response = await fetch(`${app.listeningOrigin}/api/v1/history${query}`)
  assert.equal(response.status, 200)
  return (await response.json()) as History
}
