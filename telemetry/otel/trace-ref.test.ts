import { context, propagation, ROOT_CONTEXT, trace, TraceFlags } from '@opentelemetry/api'
import type { Context, ContextManager, SpanContext } from '@opentelemetry/api'
import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { after, before, describe, it } from 'node:test'
import { captureTrace, contextOf, isTraceKept, spanContextOf } from './trace-ref.ts'

const storage = new AsyncLocalStorage<Context>()
const manager: ContextManager = {
  active: () => storage.getStore() ?? ROOT_CONTEXT,
  with: (active, fn, thisArg, ...args) => storage.run(active, () => fn.apply(thisArg, args)),
  bind: (_active, target) => target,
  enable: () => manager,
  disable: () => manager,
}
before(() => void context.setGlobalContextManager(manager))
after(() => context.disable())

const traceId = '0af7651916cd43dd8448eb211c80319c'
const spanId = 'b7ad6b7169203331'
const sampled: SpanContext = { traceId, spanId, traceFlags: TraceFlags.SAMPLED }
const within = <T>(span: SpanContext, fn: () => T): T =>
  context.with(trace.setSpanContext(ROOT_CONTEXT, span), fn)

describe('isTraceKept', () => {
  it('says yes when a context manager is registered, and no when none is', () => {
    assert.equal(isTraceKept(), true)
    context.disable()
    assert.equal(isTraceKept(), false)
    context.setGlobalContextManager(manager)
  })
})

describe('captureTrace', () => {
  it('is null where no span is active', () => {
    assert.equal(captureTrace(), null)
  })

  it('is null under a span that the API made without an SDK', () => {
    const invalid = { traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: TraceFlags.NONE }
    assert.equal(within(invalid, captureTrace), null)
  })

  it('names the active span and whether its trace is kept', () => {
    assert.deepEqual(within(sampled, captureTrace), { traceId, spanId, isSampled: true })
    const unsampled = { ...sampled, traceFlags: TraceFlags.NONE }
    assert.deepEqual(within(unsampled, captureTrace), { traceId, spanId, isSampled: false })
  })

  it('follows the caller across an await', async () => {
    const captured = await within(sampled, async () => {
      await new Promise(setImmediate)
      return captureTrace()
    })
    assert.equal(captured?.spanId, spanId)
  })
})

describe('contextOf', () => {
  it('makes the span of the ref the parent', () => {
    for (const isSampled of [true, false]) {
      const parent = trace.getSpanContext(contextOf({ traceId, spanId, isSampled }))
      const traceFlags = isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE
      assert.deepEqual(parent, { traceId, spanId, traceFlags })
    }
  })

  it('takes nothing from whoever is active when it is made', () => {
    const baggage = propagation.createBaggage({ user: { value: 'somebody else' } })
    const found = context.with(propagation.setBaggage(ROOT_CONTEXT, baggage), () =>
      propagation.getBaggage(contextOf({ traceId, spanId, isSampled: true })),
    )
    assert.equal(found, undefined)
  })
})

describe('spanContextOf', () => {
  it('is the span of the ref', () => {
    assert.deepEqual(spanContextOf({ traceId, spanId, isSampled: true }), sampled)
  })
})
