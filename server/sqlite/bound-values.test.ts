import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import type { Connection } from '../pool/connection.ts'
import { executions, openWriter } from './testing/connections.ts'

for (const { name, open } of executions) {
  const writer = (t: TestContext): Promise<Connection> => openWriter(t, open)

  describe(name, () => {
    describe('values', () => {
      const values: { name: string; bound: unknown; back: unknown }[] = [
        { name: 'an integer', bound: 7, back: 7 },
        { name: 'a real', bound: 1.5, back: 1.5 },
        { name: 'a bigint', bound: 2n ** 52n, back: 2 ** 52 },
        { name: 'a text with NUL, quotes and emoji', bound: 'a\0"\'🐟', back: 'a\0"\'🐟' },
        { name: 'null', bound: null, back: null },
        { name: 'undefined', bound: undefined, back: null },
        { name: 'a Buffer', bound: Buffer.from([0, 255]), back: Buffer.from([0, 255]) },
        { name: 'an empty Buffer', bound: Buffer.alloc(0), back: Buffer.alloc(0) },
        { name: 'a Uint8Array', bound: new Uint8Array([1, 2]), back: Buffer.from([1, 2]) },
        {
          name: 'a window on a larger array',
          bound: new Uint8Array([1, 2, 3, 4]).subarray(1, 3),
          back: Buffer.from([2, 3]),
        },
      ]
      for (const { name: value, bound, back } of values) {
        it(`takes and returns ${value}`, async (t) => {
          const connection = await writer(t)
          assert.deepEqual(await connection.get('SELECT ? AS x', [bound]), { x: back })
          assert.deepEqual(await connection.all('SELECT $x AS x', [{ x: bound }]), [{ x: back }])
          const cursor = await connection.iterate('SELECT ? AS x', [bound])
          assert.deepEqual(await cursor.next(), [{ x: back }])
        })
      }

      it('binds a bigint beyond 2⁵³ exactly', async (t) => {
        const connection = await writer(t)
        const row = await connection.get('SELECT CAST(? AS TEXT) AS x', [2n ** 62n + 1n])
        assert.deepEqual(row, { x: String(2n ** 62n + 1n) })
      })

      const unbindable: { name: string; value: unknown }[] = [
        { name: 'a function', value: () => 1 },
        { name: 'a symbol', value: Symbol('x') },
        { name: 'a Date', value: new Date(0) },
        { name: 'a Map', value: new Map() },
        {
          name: 'an instance of a class',
          value: new (class {
            x = 1
          })(),
        },
        { name: 'a boolean', value: true },
        { name: 'an object with a function', value: { x: () => 1 } },
      ]
      for (const { name: what, value } of unbindable) {
        it(`refuses ${what} with a TypeError and stays usable`, async (t) => {
          const connection = await writer(t)
          const [refused, beside] = await Promise.allSettled([
            connection.get('SELECT $x AS x', [value]),
            connection.get('SELECT 1 AS x', []),
          ])
          assert.equal(refused.status, 'rejected')
          assert.ok(refused.reason instanceof TypeError, String(refused.reason))
          assert.deepEqual(beside, { status: 'fulfilled', value: { x: 1 } })
        })
      }
    })
  })
}
