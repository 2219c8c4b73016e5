import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { PoolRig, type RigOptions } from '../testing/pool-rig.ts'
import type { StatementCall } from './connection.ts'
import type { Lease, LeaseCallOptions } from './lease.ts'
import type { Statement } from './statement.ts'

const ONE_READER = { readers: { min: 1, max: 1 } }
const LIMITS = { maxRows: 10, maxBytes: 1000 }

interface Asked {
  readonly verb: string
  readonly sql: string
  readonly args: readonly unknown[]
  readonly call: StatementCall | undefined
}

/** A lease, and what its connection is asked. */
async function scene(
  t: TestContext,
  options: RigOptions = {},
): Promise<{ readonly rig: PoolRig; readonly lease: Lease; readonly asked: Asked[] }> {
  const rig = await PoolRig.open({ ...ONE_READER, ...options })
  const asked: Asked[] = []
  for (const connection of [rig.database.of('reader')[0]!, rig.writer]) {
    for (const verb of ['all', 'get', 'run', 'iterate'] as const) {
      const original = connection[verb].bind(connection) as (...given: unknown[]) => unknown
      t.mock.method(connection, verb, (sql: string, args: unknown[], call?: StatementCall) => {
        asked.push({ verb, sql, args, call })
        return original(sql, args, call)
      })
    }
  }
  return { rig, lease: await rig.pool.acquire(), asked }
}

describe('Statement', () => {
  const modes: readonly {
    readonly name: string
    readonly make: (statement: Statement) => Statement<unknown>
    readonly call: LeaseCallOptions
  }[] = [
    { name: 'as it is', make: (one) => one, call: {} },
    { name: 'pluck', make: (one) => one.pluck(), call: { rows: 'pluck' } },
    { name: 'raw', make: (one) => one.raw(), call: { rows: 'raw' } },
    { name: 'safeIntegers', make: (one) => one.safeIntegers(), call: { safeIntegers: true } },
    {
      name: 'raw and safeIntegers',
      make: (one) => one.raw().safeIntegers(),
      call: { rows: 'raw', safeIntegers: true },
    },
    { name: 'pluck after raw', make: (one) => one.raw().pluck(), call: { rows: 'pluck' } },
  ]
  for (const { name, make, call } of modes) {
    it(`asks every verb ${name}, with the arguments as they are`, async (t) => {
      const { lease, asked } = await scene(t)
      const statement = make(lease.prepare('SELECT'))
      await statement.all(1, 'a')
      await statement.get({ id: 1 })
      await statement.run()
      for await (const row of statement.iterate(2)) assert.ok(row)
      const sql = 'SELECT'
      assert.deepEqual(asked, [
        { verb: 'all', sql, args: [1, 'a'], call },
        { verb: 'get', sql, args: [{ id: 1 }], call },
        { verb: 'run', sql, args: [], call },
        { verb: 'iterate', sql, args: [2], call },
      ])
    })
  }

  it('in another mode is another statement: the first stays as it was', async (t) => {
    const { lease, asked } = await scene(t)
    const statement = lease.prepare('SELECT')
    assert.notEqual(statement.pluck(), statement)
    await statement.all()
    assert.deepEqual(asked[0]?.call, {})
    assert.equal(statement.raw().sql, 'SELECT')
  })

  it('has its columns without being run', async (t) => {
    const { lease, asked } = await scene(t)
    const [column] = await lease.prepare('SELECT').columns()
    assert.deepEqual([column?.name, asked.length], ['id', 0])
  })

  it('is told of the signal that stops it', async (t) => {
    const { lease, asked } = await scene(t)
    const { signal } = new AbortController()
    await lease.prepare('SELECT').abortable(signal).all()
    assert.notEqual(asked[0]?.call?.cancellation, undefined)
  })

  for (const limits of [
    LIMITS,
    { maxRows: 10, maxBytes: 0 },
    { maxRows: 0, maxBytes: 1000 },
  ] as const) {
    it(`with ${JSON.stringify(limits)} has them where there are many rows, and nowhere else`, async (t) => {
      const { lease, asked } = await scene(t, limits)
      const statement = lease.prepare('SELECT').pluck()
      await statement.all()
      await statement.get()
      await statement.iterate().next()
      assert.deepEqual(
        asked.map(({ call }) => call),
        [{ rows: 'pluck', ...limits }, { rows: 'pluck' }, { rows: 'pluck', ...limits }],
      )
    })
  }
})

describe('a one-shot call', () => {
  it('is answered in the shape that it asks for, and its signal is the lease’s', async (t) => {
    const { rig, lease, asked } = await scene(t)
    await lease.release()
    await rig.pool.all('SELECT', [1], { rows: 'raw', label: 'report' })
    await rig.pool.get('SELECT', [], { safeIntegers: true, timeoutMs: 10 })
    await rig.pool.get('SELECT', [], { rows: 'pluck', mode: 'write' })
    await rig.pool.run('INSERT', [], { rows: 'raw', safeIntegers: true })
    await rig.pool.run('SELECT', [], { mode: 'read' })
    assert.deepEqual(
      asked.map(({ verb, call }) => [verb, call]),
      [
        ['all', { rows: 'raw' }],
        ['get', { safeIntegers: true }],
        ['get', { rows: 'pluck' }],
        ['run', { rows: 'raw', safeIntegers: true }],
        ['run', {}],
      ],
    )
    assert.deepEqual([rig.stats.reader.acquired, rig.stats.writer.acquired], [4, 2])
  })
})
