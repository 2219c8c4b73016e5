import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Static } from 'typebox'
import type { Live } from './live.ts'
import { LiveRefusal } from './refusal.ts'

const closed = { additionalProperties: false } as const
const epochMs = { minimum: 0, maximum: 8.64e15 } as const

const querySchema = Type.Object(
  {
    fromMs: Type.Optional(
      Type.Integer({ ...epochMs, description: 'Epoch ms. Default: 15 minutes before `toMs`.' }),
    ),
    toMs: Type.Optional(Type.Integer({ ...epochMs, description: 'Epoch ms. Default: now.' })),
    stepMs: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 86_400_000,
        description:
          'Time between two points. Kept are 250 ms for 5 minutes, 1 s for an hour, 15 s for a day; it is rounded up to what there is. Default: about 1,200 points.',
      }),
    ),
  },
  closed,
)

const numberOrNull = Type.Union([Type.Number(), Type.Null()])

/** `History` for the API's description; the parts that the dashboard alone reads are left open. */
const historySchema = Type.Object(
  {
    bootId: Type.String({ description: 'Another one after each start of the server.' }),
    seq: Type.Integer({ description: 'The live stream goes on after it.' }),
    serverAtMs: Type.Integer(),
    startedAtMs: Type.Integer(),
    stepMs: Type.Integer({ description: 'What the points really are apart.' }),
    series: Type.Array(Type.String()),
    atMs: Type.Array(Type.Integer(), { description: 'The beginning of each step, epoch ms.' }),
    columns: Type.Array(Type.Array(numberOrNull), {
      description: 'One array per series, each as long as `atMs`; null is no data.',
    }),
    events: Type.Array(
      Type.Object(
        { type: Type.String(), seq: Type.Integer(), atMs: Type.Number() },
        { additionalProperties: true },
      ),
    ),
    state: Type.Object({}, { additionalProperties: true }),
  },
  closed,
)

/** `GET /api/v1/history`: columns for the charts, events, and the state of now. */
export function historyRoute(app: FastifyInstance, live: Live): void {
  app.get<{ Querystring: Static<typeof querySchema> }>(
    '/api/v1/history',
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['dashboard'],
        summary: 'The numbers of the last minutes or hours',
        description:
          'Merged points show the worst of their time: maxima of what is used, queued or slow, minima of what is free; rates are means.',
        querystring: querySchema,
        response: { 200: historySchema },
      },
      // The object is ours and typed; checking each of 60,000 numbers against a schema would take longer
      // than everything else.
      serializerCompiler: () => (history) => JSON.stringify(history),
    },
    (request, reply) => {
      const { fromMs, toMs } = request.query
      if (fromMs !== undefined && toMs !== undefined && fromMs > toMs) {
        throw new LiveRefusal('VALIDATION', 'fromMs is later than toMs')
      }
      return reply.send(live.history(request.query))
    },
  )
}
