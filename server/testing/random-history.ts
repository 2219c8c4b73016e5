import fc from 'fast-check'
import type { AcquireMode } from '../pool/acquire-request.ts'

/** Numbers pick among what is there at that moment, so that every history is possible. */
export type Step =
  | {
      readonly do: 'acquire' | 'transaction' | 'barrier'
      readonly mode: AcquireMode
      readonly timeoutMs: number
      readonly priority: number
      readonly end: ScopeEnd
    }
  | { readonly do: 'tryAcquire'; readonly mode: AcquireMode }
  | { readonly do: 'release' | 'releaseDirty' | 'destroy' | 'releaseTwice'; readonly pick: number }
  | { readonly do: 'releaseAndAbort' | 'abortAndRelease'; readonly pick: number }
  | { readonly do: 'run' | 'cancelAndRelease' | 'answer' | 'endScope'; readonly pick: number }
  | {
      readonly do: 'abort' | 'lose' | 'open' | 'failToOpen' | 'reset' | 'failToReset'
      readonly pick: number
    }
  | { readonly do: 'resize'; readonly size: number }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'settle' | 'evictAll' | 'suspend' | 'resume' }
  | { readonly do: 'close'; readonly timeoutMs: number; readonly drainWaiters: boolean }

/** What the function of a scope does once it goes on. */
export type ScopeEnd =
  | 'commit'
  | 'throw'
  | 'nested commit'
  | 'nested throw'
  | 'nested throw, caught'

const pick = fc.nat({ max: 1000 })
const picking = <K extends string>(...names: K[]): fc.Arbitrary<{ do: K; pick: number }> =>
  fc.record({ do: fc.constantFrom(...names), pick })

const timeoutMs = fc.constantFrom(0, 1, 10, 100, 100, 1000, Number.POSITIVE_INFINITY)
const priority = fc.constantFrom(0, 0, 0, 0, 0, -10, -1, 1, 10)
const end = fc.constantFrom<ScopeEnd>(
  'commit',
  'throw',
  'nested commit',
  'nested throw',
  'nested throw, caught',
)

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 16,
    arbitrary: fc.record({
      do: fc.constant('acquire' as const),
      mode: fc.constantFrom<AcquireMode>('read', 'read', 'read', 'write'),
      timeoutMs,
      priority,
      end,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('transaction' as const, 'transaction' as const, 'barrier' as const),
      mode: fc.constant<AcquireMode>('write'),
      timeoutMs,
      priority,
      end,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('tryAcquire' as const),
      mode: fc.constantFrom<AcquireMode>('read', 'write'),
    }),
  },
  { weight: 12, arbitrary: picking('release', 'releaseDirty', 'destroy', 'releaseTwice') },
  { weight: 6, arbitrary: picking('releaseAndAbort', 'abortAndRelease', 'abort') },
  { weight: 8, arbitrary: picking('open', 'open', 'failToOpen', 'reset', 'reset', 'failToReset') },
  { weight: 6, arbitrary: picking('run', 'cancelAndRelease', 'answer', 'answer') },
  { weight: 4, arbitrary: picking('endScope') },
  { weight: 2, arbitrary: picking('lose') },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('resize' as const),
      size: fc.constantFrom(1, 1, 2, 3, 5),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('evictAll' as const, 'suspend' as const, 'resume' as const),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      ms: fc.constantFrom(0, 1, 10, 50, 99, 1000),
    }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('settle' as const) }) },
)

/** Two seconds in which everyone waits: chance alone does not make a line slow. */
const slowLine: Step[] = [
  ...Array.from({ length: 5 }, (): Step => ({
    do: 'acquire',
    mode: 'write',
    timeoutMs: Number.POSITIVE_INFINITY,
    priority: 0,
    end: 'commit',
  })),
  ...[0, 1, 2].flatMap((): Step[] => [
    { do: 'advance', ms: 1000 },
    { do: 'release', pick: 0 },
    { do: 'settle' },
  ]),
]

/** Mostly never closed, at times in the middle. */
export const history = fc.record({
  options: fc.record({
    readers: fc.constantFrom(
      { min: 0, max: 0 },
      { min: 0, max: 1 },
      { min: 1, max: 2 },
      { min: 2, max: 3 },
    ),
    maxWaiters: fc.constantFrom(0, 3, 1000),
    leakReclaimMs: fc.constantFrom(0, 0, 1500),
    maxLifetimeMs: fc.constantFrom(0, 0, 2000),
    shedTargetMs: fc.constantFrom(0, 0, 5),
  }),
  beginning: fc.constantFrom<Step[]>([], [], [], [], [], [], [], [], [], slowLine),
  before: fc.array(step, { minLength: 10, maxLength: 60 }),
  close: fc.option(
    fc.record({
      do: fc.constant('close' as const),
      timeoutMs: fc.constantFrom(0, 50, 1000),
      drainWaiters: fc.boolean(),
    }),
    { nil: undefined },
  ),
  after: fc.array(step, { maxLength: 15 }),
})
