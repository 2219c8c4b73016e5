import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PoolRig } from '../testing/pool-rig.ts'
import { type Watched, watch } from '../testing/watched.ts'
import { PoolError } from './errors.ts'

const codeOf = ({ error }: Watched<unknown>): string => (error as PoolError).code

const full = (): PoolError =>
  new PoolError('WAL_FULL', 'the log is full', { outcome: 'not_started' })

describe('LogSide.snapshots', () => {
  it('has what is open on a lease: a statement that runs, a transaction, an iterator', async () => {
    const rig = await PoolRig.open({ readers: { min: 3, max: 3 } })
    const leases = await Promise.all(
      ['runs', 'reads', 'iterates', 'idles'].map((label, i) =>
        rig.pool.acquire({ label, mode: i === 0 ? 'write' : 'read' }),
      ),
    )
    const [runs, reads, iterates] = leases
    await rig.advance(10)
    const cursor = await iterates!.iterate('SELECT 1')
    await rig.advance(10)
    await reads!.exec('BEGIN')
    await reads!.all('SELECT 1')
    await rig.advance(10)
    const answer = rig.writer.hold('SELECT 1')
    const running = watch(runs!.all('SELECT 1'))
    await rig.advance(10)
    const nowMs = rig.clock.timeOriginMs + rig.clock.nowMs()
    const shown = rig.pool.side
      .snapshots()
      .map(({ holder, role, isIterator, sinceMs }) => [
        holder.label,
        role,
        isIterator,
        nowMs - sinceMs,
      ])
    assert.deepEqual(shown, [
      ['iterates', 'reader', true, 30],
      ['reads', 'reader', false, 20],
      ['runs', 'writer', false, 10],
    ])

    await cursor.close()
    await reads!.exec('COMMIT')
    answer.resolve(undefined)
    await rig.settle()
    assert.equal(running.state, 'fulfilled')
    assert.deepEqual(rig.pool.side.snapshots(), [])
    for (const lease of leases) await lease.release()
  })

  it('begins anew with each statement outside of a transaction', async () => {
    const rig = await PoolRig.open()
    const lease = await rig.pool.acquire()
    await lease.all('SELECT 1')
    await rig.advance(500)
    const cursor = await lease.iterate('SELECT 1')
    const [open] = rig.pool.side.snapshots()
    assert.equal(open?.sinceMs, rig.clock.timeOriginMs + rig.clock.nowMs())
    await cursor.close()
    await lease.release()
  })

  it('has nothing of a transaction in which nothing was read yet', async () => {
    const rig = await PoolRig.open()
    const lease = await rig.pool.acquire()
    await lease.exec('BEGIN')
    assert.deepEqual(rig.pool.side.snapshots(), [])
    await rig.advance(500)
    await lease.all('SELECT 1')
    await rig.advance(20)
    const [open] = rig.pool.side.snapshots()
    assert.equal(open?.sinceMs, rig.clock.timeOriginMs + rig.clock.nowMs() - 20)
    await lease.exec('COMMIT')
    await lease.release()
  })

  it('takes statements that were sent at once for one after the other', async () => {
    const rig = await PoolRig.open({ readers: { min: 1, max: 1 } })
    const lease = await rig.pool.acquire()
    const reader = rig.database.of('reader')[0]!
    const [first, second] = [reader.hold('SELECT 1'), reader.hold('SELECT 2')]
    const both = [watch(lease.all('SELECT 1')), watch(lease.all('SELECT 2'))]
    await rig.advance(500)
    first.resolve(undefined)
    await rig.settle()
    const atMs = rig.clock.timeOriginMs + rig.clock.nowMs()
    assert.equal(rig.pool.side.snapshots()[0]?.sinceMs, atMs)
    await rig.advance(300)
    assert.equal(rig.pool.side.snapshots()[0]?.sinceMs, atMs)
    second.resolve(undefined)
    await rig.settle()
    assert.deepEqual(
      both.map(({ state }) => state),
      ['fulfilled', 'fulfilled'],
    )
    await lease.release()
  })

  it('has what is still run for a caller who has left', async () => {
    const rig = await PoolRig.open({ readers: { min: 1, max: 1 }, statementTimeoutMs: 100 })
    rig.database.of('reader')[0]!.hold('SELECT 1')
    const stopped = watch(rig.pool.all('SELECT 1', [], { label: 'left' }))
    await rig.advance(100)
    assert.equal(codeOf(stopped), 'STATEMENT_TIMEOUT')
    assert.deepEqual(
      rig.pool.side.snapshots().map(({ holder }) => holder.label),
      ['left'],
    )
  })
})

describe('LogSide.gate', () => {
  it('lets nobody write meanwhile, and goes before those who wait', async () => {
    const rig = await PoolRig.open()
    const writer = await rig.pool.acquire({ mode: 'write' })
    const waiting = watch(rig.pool.run('INSERT'))
    const order: string[] = []
    const gate = watch(
      rig.pool.side.gate(
        async () => {
          order.push(`behind the gate, the writer ${waiting.state}`)
        },
        { timeoutMs: 1000 },
      ),
    )
    await rig.settle()
    await writer.release()
    await rig.settle()
    assert.deepEqual(order, ['behind the gate, the writer pending'])
    assert.deepEqual([gate.state, waiting.state], ['fulfilled', 'fulfilled'])
  })

  it('gives the writer back when the function fails, and passes the error on', async () => {
    const rig = await PoolRig.open()
    const gate = watch(
      rig.pool.side.gate(() => Promise.reject(new Error('no')), { timeoutMs: 1000 }),
    )
    await rig.settle()
    assert.match(String(gate.error), /no/)
    assert.equal(rig.stats.writer.inUse, 0)
  })

  it('is refused as anyone when the writer does not come back in time', async () => {
    const rig = await PoolRig.open()
    const writer = await rig.pool.acquire({ mode: 'write' })
    const gate = watch(rig.pool.side.gate(async () => undefined, { timeoutMs: 100 }))
    await rig.advance(100)
    assert.equal(codeOf(gate), 'POOL_ACQUIRE_TIMEOUT')
    await writer.release()
  })
})

describe('LogSide.holdWrites and holdReads', () => {
  //  step  writers           caller     gate
  //   1    held back         waits
  //   2                      waits      passes, also after it has waited itself
  //   3    resumed           served
  it('lets writers wait, while the gate passes', async () => {
    const rig = await PoolRig.open()
    rig.isHeldBack = true
    const held = rig.pool.side.holdWrites(full)
    const caller = watch(rig.pool.run('INSERT'))
    await rig.settle()
    const passed = watch(rig.pool.side.gate(async () => 'passed', { timeoutMs: 1000 }))
    await rig.settle()
    assert.deepEqual([caller.state, passed.state], ['pending', 'fulfilled'])
    let open = (): void => undefined
    const first = watch(
      rig.pool.side.gate(() => new Promise<void>((resolve) => (open = resolve)), {
        timeoutMs: 1000,
      }),
    )
    const second = watch(rig.pool.side.gate(async () => 'passed', { timeoutMs: 1000 }))
    await rig.settle()
    assert.deepEqual([first.state, second.state], ['pending', 'pending'])
    open()
    await rig.settle()
    assert.deepEqual([second.state, caller.state], ['fulfilled', 'pending'])
    held.end()
    await rig.settle()
    assert.equal(caller.state, 'fulfilled')
  })

  it('ends once, whoever else holds them back, and leaves the other lane alone', async () => {
    const rig = await PoolRig.open()
    rig.isHeldBack = true
    const [one, other] = [rig.pool.side.holdReads(), rig.pool.side.holdReads()]
    const reader = watch(rig.pool.all('SELECT'))
    const writer = watch(rig.pool.run('INSERT'))
    one()
    one()
    await rig.settle()
    assert.deepEqual([reader.state, writer.state], ['pending', 'fulfilled'])
    other()
    await rig.settle()
    assert.equal(reader.state, 'fulfilled')
  })

  it('does not outlast suspend and resume of the pool, nor they it', async () => {
    const rig = await PoolRig.open()
    rig.isHeldBack = true
    const held = rig.pool.side.holdWrites(full)
    rig.pool.suspend()
    const caller = watch(rig.pool.run('INSERT'))
    rig.pool.resume()
    await rig.settle()
    assert.equal(caller.state, 'pending')
    held.end()
    await rig.settle()
    assert.equal(caller.state, 'fulfilled')
  })
})

describe('HeldWrites.refuse', () => {
  it('refuses those who wait and who come, but neither the gate nor readers', async () => {
    const rig = await PoolRig.open()
    rig.isHeldBack = true
    const held = rig.pool.side.holdWrites(full)
    const waited = watch(rig.pool.run('INSERT'))
    let open = (): void => undefined
    const gates = [
      () => new Promise<void>((resolve) => (open = resolve)),
      () => Promise.resolve(),
    ].map((fn) => watch(rig.pool.side.gate(fn, { timeoutMs: 1000 })))
    await rig.settle()
    held.refuse()
    const came = watch(rig.pool.run('INSERT'))
    const reader = watch(rig.pool.all('SELECT'))
    open()
    await rig.settle()
    assert.deepEqual([codeOf(waited), codeOf(came)], ['WAL_FULL', 'WAL_FULL'])
    assert.deepEqual(
      [reader, ...gates].map(({ state }) => state),
      ['fulfilled', 'fulfilled', 'fulfilled'],
    )
    assert.equal(rig.stats.writer.failed.wal_full, 2)

    held.end()
    const later = watch(rig.pool.run('INSERT'))
    await rig.settle()
    assert.equal(later.state, 'fulfilled')
  })

  it('is told already before by whoever does not wait for so long, or not at all', async () => {
    const rig = await PoolRig.open()
    rig.isHeldBack = true
    const held = rig.pool.side.holdWrites(full)
    const short = watch(rig.pool.run('INSERT', [], { timeoutMs: 100 }))
    const hasty = watch(rig.pool.run('INSERT', [], { timeoutMs: 0 }))
    const gates = [
      watch(rig.pool.side.gate(() => new Promise(() => undefined), { timeoutMs: 9e3 })),
    ]
    gates.push(watch(rig.pool.side.gate(async () => undefined, { timeoutMs: 50 })))
    await rig.advance(100)
    assert.deepEqual([short, hasty].map(codeOf), ['WAL_FULL', 'WAL_FULL'])
    assert.equal(codeOf(gates[1]!), 'POOL_ACQUIRE_TIMEOUT')
    held.end()
  })
})

describe('LogSide.revoke', () => {
  const cases = [
    ['read', 'rolled_back'],
    ['write', 'unknown'],
  ] as const
  for (const [mode, outcome] of cases) {
    it(`takes a lease to ${mode} away, once: ${outcome}`, async () => {
      const rig = await PoolRig.open()
      const lease = await rig.pool.acquire({ mode })
      assert.equal(rig.pool.side.revoke(lease.id, 'it was in the way'), true)
      await rig.settle()
      const used = watch(lease.all('SELECT'))
      await rig.settle()
      const error = used.error as PoolError
      assert.deepEqual([error.code, error.outcome], ['LEASE_REVOKED', outcome])
      assert.match(error.message, /it was in the way, and was taken back/)
      assert.equal(rig.pool.side.revoke(lease.id, 'it was in the way'), false)
    })
  }
})

describe('Pool.close', () => {
  it('says that it begins before anyone is drained, so that those who are held back can be served', async () => {
    const said: string[] = []
    const rig = await PoolRig.open({ hooks: { draining: () => void said.push('draining') } })
    rig.onEvent = (event) => void (event.type === 'pool' && said.push(event.state))
    const held = rig.pool.side.holdWrites(full)
    rig.isHeldBack = true
    const caller = watch(rig.pool.run('INSERT'))
    const closing = watch(rig.pool.close())
    held.end()
    await rig.settle()
    assert.deepEqual([caller.state, closing.state], ['fulfilled', 'fulfilled'])
    assert.deepEqual(said, ['draining', 'draining', 'closed'])
  })
})
