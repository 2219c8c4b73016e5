import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { tempDatabase } from '../testing/temp-db.ts'
import { runLockSafety } from '../wal/anatomy/testing/lock-safety.ts'

/** Not a part of the usual tests: `LOCK_SECONDS` (default 60) is how long. */
const SECONDS = Number(process.env['LOCK_SECONDS'] ?? 60)

void describe('two processes that write, one of which looks at the log every 5 ms', () => {
  void it(`lose no row in ${SECONDS} s`, async (t) => {
    const endMs = performance.now() + SECONDS * 1000
    const { reports, isTimedOut, damage } = await runLockSafety(t, {
      path: tempDatabase(t),
      monitor: 'safe',
      isEnough: () => performance.now() >= endMs,
      killAfterMs: SECONDS * 1000 + 60_000,
    })
    assert.deepEqual({ damage, isTimedOut }, { damage: [], isTimedOut: false })
    const [looker, other] = reports
    assert.ok(looker!.foreignWriters > 0, 'it has seen the other one write')
    t.diagnostic(
      `${looker!.commits} and ${other!.commits} commits, ${looker!.looks} looks, ${looker!.foreignWriters} of them while the other one wrote`,
    )
  })
})
