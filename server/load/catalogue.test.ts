import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Answer } from './api-client.ts'
import { Catalogue, pageOf } from './catalogue.ts'
import { KINDS } from './mix.ts'
import { Random } from '../random.ts'

const page = (ids: readonly number[], nextCursor: string | null = null): Answer => ({
  status: 200,
  body: { items: ids.map((id) => ({ id, category: id % 2 === 0 ? 'tea' : 'mugs' })), nextCursor },
})

function setUp(seed = 1): Catalogue {
  return new Catalogue({ tag: 'Load test', random: new Random(seed) })
}

describe('Catalogue', () => {
  it('asks for products and categories that it has seen', () => {
    const catalogue = setUp()
    assert.equal(catalogue.plan('get').kind, 'list', 'it knows no product yet')
    catalogue.learn(page([4, 5]))
    const paths = new Set(Array.from({ length: 50 }, () => catalogue.plan('get').path))
    assert.deepEqual([...paths].sort(), ['/api/products/4', '/api/products/5'])
    const categories = Array.from({ length: 50 }, () =>
      new URLSearchParams(catalogue.plan('list').path.split('?')[1]).get('category'),
    )
    assert.deepEqual([...new Set(categories.filter((slug) => slug !== null))].sort(), [
      'mugs',
      'tea',
    ])
  })

  it('does not come back for a row that a load has made', () => {
    const catalogue = setUp()
    const items = [{ id: 8, name: 'Load test 1f blue', category: 'tea' }]
    catalogue.learn({ status: 200, body: { items, nextCursor: null } })
    assert.equal(catalogue.plan('get').kind, 'list')
  })

  it('goes on from a cursor with the filters that it belongs to', () => {
    const catalogue = setUp()
    catalogue.learn(page([4, 5]))
    const first = catalogue.plan('list')
    first.settle(page([6], 'next'))
    const second = Array.from({ length: 50 }, () => catalogue.plan('list')).find((call) =>
      call.path.includes('cursor='),
    )
    assert.equal(second?.path, `${first.path}&cursor=next`)
  })

  it('changes and deletes only what it has made', () => {
    const catalogue = setUp()
    catalogue.learn(page([1, 2, 3]))
    for (const kind of ['update', 'delete'] as const) {
      assert.equal(catalogue.plan(kind).kind, 'create')
    }
    const create = catalogue.plan('create')
    assert.match((create.body as { name: string }).name, /^Load test /)
    create.settle({ status: 201, body: { id: 77 } })
    const update = catalogue.plan('update')
    assert.equal(update.path, '/api/products/77')
    assert.equal(catalogue.plan('delete').kind, 'create', 'its row is in the update')
    update.settle({ status: 200, body: {} })
    const removal = catalogue.plan('delete')
    removal.settle({ status: 204, body: undefined })
    assert.deepEqual(catalogue.ownIds, [])
    assert.equal(catalogue.createdCount, 1)
    assert.equal(catalogue.deletedCount, 1)
  })

  const outcomes: readonly (readonly [name: string, answer: Answer | null, left: number[]])[] = [
    ['is refused', { status: 503, body: {} }, [7]],
    ['gets no answer', null, [7]],
    ['finds nothing', { status: 404, body: {} }, []],
  ]
  for (const [name, answer, left] of outcomes) {
    it(`${left.length === 0 ? 'forgets' : 'keeps'} a row whose delete ${name}`, () => {
      const catalogue = setUp()
      catalogue.plan('create').settle({ status: 201, body: { id: 7 } })
      catalogue.plan('delete').settle(answer)
      assert.deepEqual(catalogue.ownIds, left)
      assert.equal(catalogue.deletedCount, 0)
    })
  }

  it('has each row in one call at a time, and loses none, in any order of answers', () => {
    const random = new Random(9)
    const catalogue = setUp(10)
    const alive = new Set<number>()
    const underWay: { id: number; end(): void }[] = []
    let nextId = 100
    for (let step = 0; step < 5000; step += 1) {
      const call = catalogue.plan(random.pick(KINDS))
      if (call.kind === 'create') {
        const id = nextId++
        underWay.push({
          id,
          end: () => (alive.add(id), call.settle({ status: 201, body: { id } })),
        })
      } else if (call.kind === 'update' || call.kind === 'delete') {
        const id = Number(call.path.split('/').at(-1))
        assert.ok(alive.has(id), 'the row exists')
        assert.ok(!underWay.some((other) => other.id === id), 'nobody else has it')
        const isLost = random.next() < 0.2
        underWay.push({
          id,
          end() {
            if (call.kind === 'delete' && !isLost) alive.delete(id)
            call.settle(isLost ? null : { status: 200, body: {} })
          },
        })
      }
      if (underWay.length > 8) underWay.splice(Math.floor(random.next() * 8), 1)[0]!.end()
    }
    for (const call of underWay) call.end()
    assert.deepEqual(new Set(catalogue.ownIds), alive)
    assert.equal(catalogue.createdCount - catalogue.deletedCount, alive.size)
  })

  it('stops adding rows at 500', () => {
    const catalogue = setUp()
    for (let id = 1; id <= 500; id += 1) {
      catalogue.plan('create').settle({ status: 201, body: { id } })
    }
    assert.equal(catalogue.plan('create').kind, 'delete')
  })
})

describe('pageOf', () => {
  const none: readonly (Answer | null)[] = [
    null,
    { status: 500, body: { items: [] } },
    { status: 200, body: undefined },
    { status: 200, body: null },
    { status: 200, body: 'items' },
    { status: 200, body: { items: 5 } },
  ]
  for (const answer of none) {
    it(`finds none in ${JSON.stringify(answer)}`, () => assert.equal(pageOf(answer), null))
  }

  it('skips what is no product', () => {
    const answer = { status: 200, body: { items: [null, 5, { id: 'x' }, { id: 3 }] } }
    assert.deepEqual(pageOf(answer), {
      items: [{ id: 3, name: '', category: null }],
      nextCursor: null,
    })
  })
})
