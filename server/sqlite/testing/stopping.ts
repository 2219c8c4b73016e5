import assert from 'node:assert/strict'
import { Cancellation, StatementStopped } from '../../pool/cancellation.ts'

/** Rows without an end. */
export const ENDLESS = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n`
/** The same in one step, so that nothing ends it between two rows. */
export const ENDLESS_COUNT = ENDLESS.replace('SELECT i FROM n', 'SELECT count(*) FROM n')

/** Lets the event loop turn. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve))
}

/**
 * Cancels a call that does not end by itself, each time somewhat later, until it was in the middle of its
 * work then. Every one must be stopped.
 */
export async function stoppedInside(
  call: (cancellation: Cancellation) => Promise<unknown>,
): Promise<void> {
  for (let turnCount = 1; ; turnCount *= 2) {
    const cancellation = new Cancellation()
    const ended = call(cancellation).then(
      () => assert.fail('the call ran to its end'),
      (error: unknown) => error,
    )
    await turns(turnCount)
    cancellation.cancel()
    const error = await ended
    assert.ok(error instanceof StatementStopped, String(error))
    if (error.outcome === 'rolled_back') return
  }
}
