import type { PoolName } from './pools.ts'

export type Peer =
  /** The test passes there too. */
  | { readonly is: 'sound' }
  /** The test fails there, for this reason, and with a message that matches the finding. */
  | { readonly is: 'faulty'; readonly why: string; readonly finding: RegExp }
  /** It has nothing in which this could go wrong, or never comes so far; no test is run. */
  | { readonly is: 'n/a'; readonly why: string }

const sound: Peer = { is: 'sound' }
const faulty = (why: string, finding: RegExp): Peer => ({ is: 'faulty', why, finding })
const none = (why: string): Peer => ({ is: 'n/a', why })

/**
 * What each peer makes of each bug, at the versions in package.json: tarn 3.1.2, generic-pool 3.9.0. All of it
 * was seen by running the tests, which fail when a row is no longer true, for better or worse.
 */
export const PEERS = {
  // Hand-off: hand-off-races.test.ts, lost-wake-ups.test.ts
  'a connection granted at the moment of a timeout is not lost': {
    tarn: faulty(
      'hands it to a waiter that has just expired, puts it back and wakes nobody',
      /1 wait while 1 idle/,
    ),
    'generic-pool': faulty(
      'takes a waiter that has just expired from its line, puts the connection back and wakes nobody',
      /1 wait while 1 idle/,
    ),
  },
  'releases, timeouts and aborts of one tick lose nothing': {
    tarn: faulty('a waiter is left beside an idle connection', /wait while|deadline|in the end/),
    'generic-pool': faulty(
      'a waiter is left beside an idle connection, or is counted off twice',
      /wait while|deadline|in the end/,
    ),
  },
  'a release after many waiters have expired serves the one that is alive': {
    tarn: sound,
    'generic-pool': sound,
  },
  'a release in the tick in which others expire serves the one that is alive': {
    tarn: faulty('the hand-off stops at the first that has expired', /the living waiter is served/),
    'generic-pool': faulty(
      'the hand-off stops at the first that has expired',
      /the living waiter is served/,
    ),
  },
  'a broken connection that is given back is replaced for the oldest waiter': {
    tarn: sound,
    'generic-pool': sound,
  },
  'a deadline stays where it is when connections fail in between': {
    tarn: sound,
    'generic-pool': sound,
  },
  'a check that never ends does not hold its place for ever': {
    tarn: sound,
    'generic-pool': faulty('its check has no limit', /its place was given to another/),
  },
  'a connection that never closes does not hold its place': { tarn: sound, 'generic-pool': sound },
  'a release wakes one waiter and no other': { tarn: sound, 'generic-pool': sound },

  // Whose connection it is: double-release.test.ts, dirty-connections.test.ts, whose-turn.test.ts
  'a second release does not free what the next caller holds': {
    tarn: faulty(
      'whoever ever had the resource can give it back',
      /the third still waits for the second/,
    ),
    'generic-pool': faulty(
      'whoever ever had the resource can give it back',
      /the third still waits for the second/,
    ),
  },
  'a release in the tick of the first one does not free it twice': {
    tarn: faulty('whoever ever had the resource can give it back', /one of them has it/),
    'generic-pool': faulty('whoever ever had the resource can give it back', /one of them has it/),
  },
  'what was given back can no longer be used': {
    tarn: faulty('hands out the resource itself', /'fulfilled'/),
    'generic-pool': faulty('hands out the resource itself', /'fulfilled'/),
  },
  'what one caller leaves open is not there for the next': {
    tarn: faulty('cleans nothing, and has no place to do it', /no transaction of another caller/),
    'generic-pool': faulty(
      'cleans nothing, and has no place to do it',
      /no transaction of another caller/,
    ),
  },
  'a scope whose function throws at once gives its connection back': {
    tarn: none('it has no scopes'),
    'generic-pool': faulty('use() expects a promise of its function', /nothing is held/),
  },
  'an abort that comes late does not hit the next holder': {
    tarn: sound,
    'generic-pool': none('a wait cannot be ended'),
  },
  'a caller that has waited goes on in its own async context': {
    tarn: sound,
    'generic-pool': sound,
  },

  // The end: closing.test.ts
  'an acquire after close is refused at once': {
    tarn: faulty('it waits until its deadline', /it does not wait for what cannot come/),
    'generic-pool': sound,
  },
  'closing ends within its limit though a lease never comes back, and tells those who wait': {
    tarn: faulty('closing has no limit, and tells nobody before all is back', /the waiter is told/),
    'generic-pool': faulty('draining has no limit, and tells nobody', /the waiter is told/),
  },

  // The factory: failing-factory.test.ts
  'a factory that always fails does not starve the event loop': {
    tarn: sound,
    'generic-pool': faulty('it tries again in the same tick, for ever', /ticked 0 times/),
  },
  'a check that throws costs neither a stray rejection nor a place': {
    tarn: sound,
    'generic-pool': faulty('nobody hears the rejection', /no rejection goes unheard/),
  },
  'a waiter for whom nothing can be opened is told why': {
    tarn: faulty('it has the message of the reason, and not the reason', /its cause is what/),
    'generic-pool': none('its event loop is starved before'),
  },
  'a pool recovers when its factory does': {
    tarn: sound,
    'generic-pool': none('its event loop is starved before'),
  },

  // Time: time-and-housekeeping.test.ts
  'a clock on the wall that is set closes nothing and ends no wait': {
    tarn: faulty('it asks Date.now how long something was idle', /what was idle for 3 s/),
    'generic-pool': faulty('it asks Date.now how long something was idle', /what was idle for 3 s/),
  },
  'what tidies up never takes a connection that is in use': { tarn: sound, 'generic-pool': sound },

  // Waiting for oneself: self-deadlock.test.ts
  'a caller that would wait for itself is told at once': {
    tarn: faulty('it waits until its deadline', /one of them is told/),
    'generic-pool': faulty('it waits until its deadline', /one of them is told/),
  },
  'callers that would wait for each other are told at once': {
    tarn: faulty('they wait until their deadline', /one of them is told/),
    'generic-pool': faulty('they wait until their deadline', /one of them is told/),
  },

  // Transactions (failed-commits.test.ts), resets and threads that end: neither knows of them.
} satisfies Record<string, Record<Exclude<PoolName, 'glasspool'>, Peer>>

export type BugName = keyof typeof PEERS
