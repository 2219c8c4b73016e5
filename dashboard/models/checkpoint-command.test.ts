import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Api } from './api.ts'
import { CheckpointCommand } from './checkpoint-command.ts'

const answer = {
  mode: 'TRUNCATE',
  outcome: 'complete_reset',
  log: 612,
  checkpointed: 612,
  movedFrames: 612,
  durationMs: 8.25,
  sizeBeforeBytes: 2_521_472,
  sizeAfterBytes: 0,
}

function rig(
  status: number,
  body: unknown,
): { command: CheckpointCommand; expired: () => boolean } {
  let isExpired = false
  const api = new Api(() =>
    status === 0
      ? Promise.reject(new TypeError('Failed to fetch'))
      : Promise.resolve({
          ok: status === 200,
          status,
          headers: { get: () => null },
          json: () => Promise.resolve(body),
        }),
  )
  const command = new CheckpointCommand(api, () => {
    isExpired = true
  })
  return { command, expired: () => isExpired }
}

describe('CheckpointCommand', () => {
  const cases: readonly (readonly [
    status: number,
    body: unknown,
    isGood: boolean,
    text: string,
  ])[] = [
    [
      200,
      answer,
      true,
      'TRUNCATE: complete, the log starts over. 612 of 612 frames copied in 8.25 ms. File 2.4 MiB → 0 B.',
    ],
    [
      200,
      {
        ...answer,
        mode: 'RESTART',
        outcome: 'busy_writer',
        checkpointed: 100,
        sizeAfterBytes: null,
      },
      false,
      'RESTART: busy: a writer was in the way. 100 of 612 frames copied in 8.25 ms.',
    ],
    [
      403,
      { error: { message: 'This needs the admin role.' } },
      false,
      'Refused: This needs the admin role.',
    ],
    [429, {}, false, 'Too many requests. Try again in a moment.'],
    [0, null, false, 'The server did not answer; whether it ran is unknown.'],
  ]
  for (const [status, body, isGood, text] of cases) {
    it(`says: ${text}`, async () => {
      const { command } = rig(status, body)
      await command.run('TRUNCATE')
      assert.equal(command.report.value?.text.replaceAll('\u2009', ' '), text)
      assert.equal(command.report.value?.isGood, isGood)
      assert.equal(command.isRunning.value, false)
    })
  }

  it('leads back to the login when the session has ended', async () => {
    const { command, expired } = rig(401, {})
    await command.run('PASSIVE')
    assert.equal(expired(), true)
  })
})
