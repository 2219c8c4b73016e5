import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PoolRig } from '../testing/pool-rig.ts'
import type { CallOptions } from './acquire-request.ts'
import { wrongCall, wrongTimeout } from './check-call.ts'
import { errorCodeOf, messageOf } from './error-text.ts'

describe('what every call takes', () => {
  const { signal } = new AbortController()
  const values: readonly {
    readonly name: keyof CallOptions
    readonly right: readonly unknown[]
    readonly wrong: readonly unknown[]
  }[] = [
    { name: 'mode', right: ['read', 'write', undefined], wrong: ['reader', '', null, 1] },
    { name: 'label', right: ['', 'a', undefined], wrong: [1, null, {}] },
    { name: 'signal', right: [signal, undefined], wrong: [{}, null, 'abort'] },
    {
      name: 'timeoutMs',
      right: [0, 0.5, 1e9, Number.POSITIVE_INFINITY, undefined],
      wrong: [-1, Number.NaN, '5', null],
    },
    {
      name: 'priority',
      right: [-10, 0, 10, undefined],
      wrong: [-11, 11, 0.5, Number.NaN, '1', null],
    },
  ]
  for (const { name, right, wrong } of values) {
    it(`${name} is checked, and the error names it and what it is`, () => {
      for (const value of right) assert.equal(wrongCall({ [name]: value }), null, String(value))
      for (const value of wrong) {
        const problem = wrongCall({ [name]: value })
        assert.equal(problem?.code, 'POOL_INVALID_OPTION', String(value))
        assert.equal(problem.outcome, 'not_started')
        assert.match(problem.message, new RegExp(`^${name} must be .*, and is .`))
      }
    })
  }

  it('is asked for under the name of whoever asks', () => {
    assert.match(wrongTimeout(-1, 'graceMs')!.message, /^graceMs must be/)
  })

  it('is refused by a rejection, and by tryAcquire, which has no promise, by an error', async () => {
    const rig = await PoolRig.open()
    const code = 'POOL_INVALID_OPTION'
    const options = { label: 1 as never }
    await assert.rejects(rig.pool.acquire(options), { code })
    await assert.rejects(rig.pool.all('SELECT', [], options), { code })
    await assert.rejects(rig.pool.batch([], options), { code })
    await assert.rejects(
      rig.pool.withConnection(() => 7, options),
      { code },
    )
    await rig.pool.transaction(() =>
      assert.rejects(
        rig.pool.transaction(() => 7, options),
        { code },
      ),
    )
    assert.throws(() => rig.pool.tryAcquire(options), { code })
    assert.equal(rig.stats.reader.acquired, 0)
  })
})

describe('an error as text', () => {
  const errors: readonly {
    readonly error: unknown
    readonly message: string
    readonly code: string
  }[] = [
    { error: new TypeError('no'), message: 'no', code: 'TypeError' },
    {
      error: Object.assign(new Error('no'), { code: 'SQLITE_FULL' }),
      message: 'no',
      code: 'SQLITE_FULL',
    },
    { error: Object.assign(new Error('no'), { code: 7 }), message: 'no', code: 'Error' },
    { error: 'words', message: 'words', code: 'Error' },
    { error: null, message: 'null', code: 'Error' },
    { error: undefined, message: 'undefined', code: 'Error' },
    { error: { code: 'A' }, message: '[object Object]', code: 'A' },
  ]
  for (const { error, message, code } of errors) {
    it(`${String(error)} has the message ${message} and the code ${code}`, () => {
      assert.equal(messageOf(error), message)
      assert.equal(errorCodeOf(error), code)
    })
  }
})
