import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { ONE_READER } from './one-reader.ts'
import { PoolRig, type RigOptions } from './pool-rig.ts'
import type { ScriptedConnection } from './scripted-connection.ts'

export const REASON = new Error('the client has left')

/** A pool with one reader, and a signal to stop statements with. */
export interface Scene {
  readonly rig: PoolRig
  readonly reader: ScriptedConnection
  readonly controller: AbortController
  readonly signal: AbortSignal
  /** Of the pool itself. */
  readonly timerCount: number
}

export async function scene(options: RigOptions = {}): Promise<Scene> {
  const rig = await PoolRig.open({ ...ONE_READER, ...options })
  const controller = new AbortController()
  return {
    rig,
    reader: rig.database.of('reader')[0]!,
    controller,
    signal: controller.signal,
    timerCount: rig.clock.timerCount,
  }
}

/** No listener, no timer, no connection. */
export function assertNothingLeft({ rig, signal, timerCount }: Scene): void {
  assert.deepEqual(getEventListeners(signal, 'abort'), [])
  assert.equal(rig.clock.timerCount, timerCount)
  for (const lane of [rig.stats.reader, rig.stats.writer]) {
    assert.deepEqual([lane.idle, lane.size], [1, 1], lane.role)
    assert.equal(lane.dirtyReleased, 0, 'it is nobody’s fault')
  }
}
