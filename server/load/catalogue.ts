import type { Answer, Method } from './api-client.ts'
import type { Kind } from './mix.ts'
import type { Random } from '../random.ts'

/** One request, and what becomes of the catalogue when its answer is there. */
export interface Call {
  /** What it really does: without a row of our own, an update or a delete creates one. */
  readonly kind: Kind
  readonly method: Method
  readonly path: string
  readonly body?: unknown
  /** `null`: no answer came. */
  settle(answer: Answer | null): void
}

export const PRODUCTS_PATH = '/api/products'
/** What the names of made rows begin with: they will be gone, and nobody should come back for one. */
export const PASSING_NAME = 'Load test '

const KNOWN_LIMIT = 2000
/** Above this many rows of our own, a create deletes instead: the table does not grow with the run. */
const OWN_LIMIT = 500
const sorts = ['newest', 'price', '-price', 'name', '-name']
const words = ['blue', 'set', 'classic', 'box', 'large', 'house']

/**
 * What the load knows of the service: categories and ids that it has seen, cursors to go on from, and the rows
 * that it has made. It changes and deletes only its own rows, and a row is in one call at a time, so that
 * no request fails by our own doing.
 */
export class Catalogue {
  /** Stands in the name of every row that this run makes. */
  readonly tag: string
  readonly #random: Random
  readonly #categories = new Set<string>()
  readonly #knownIds: number[] = []
  readonly #cursors: string[] = []
  readonly #ownIds: number[] = []
  #createdCount = 0
  #deletedCount = 0

  constructor(options: { readonly tag: string; readonly random: Random }) {
    this.tag = options.tag
    this.#random = options.random
  }

  get createdCount(): number {
    return this.#createdCount
  }

  get deletedCount(): number {
    return this.#deletedCount
  }

  /** Rows that this run has made and not deleted. */
  get ownIds(): readonly number[] {
    return this.#ownIds
  }

  plan(kind: Kind): Call {
    switch (kind) {
      case 'list':
        return this.#list()
      case 'get':
        return this.#knownIds.length === 0 ? this.#list() : this.#get()
      case 'create':
        return this.#ownIds.length >= OWN_LIMIT ? this.#delete() : this.#create()
      case 'update':
        return this.#ownIds.length === 0 ? this.#create() : this.#update()
      case 'delete':
        return this.#ownIds.length === 0 ? this.#create() : this.#delete()
      case 'stats':
        return read('stats', `${PRODUCTS_PATH}/stats`, () => undefined)
    }
  }

  /** Remembers the products of a page. */
  learn(answer: Answer | null): void {
    const page = pageOf(answer)
    if (page === null) return
    for (const { id, name, category } of page.items) {
      if (name.startsWith(PASSING_NAME)) continue
      if (category !== null) this.#categories.add(category)
      if (this.#knownIds.length < KNOWN_LIMIT) this.#knownIds.push(id)
      else this.#knownIds[this.#random.between(0, KNOWN_LIMIT - 1)] = id
    }
  }

  #list(): Call {
    const cursor = this.#random.next() < 0.5 ? this.#cursors.pop() : undefined
    const query = cursor ?? this.#newQuery()
    return read('list', `${PRODUCTS_PATH}?${query}`, (answer) => {
      this.learn(answer)
      const next = pageOf(answer)?.nextCursor ?? null
      if (next === null || this.#cursors.length >= 100) return
      // The next page asks for the same list: a cursor belongs to its filters.
      const parameters = new URLSearchParams(query)
      parameters.set('cursor', next)
      this.#cursors.push(parameters.toString())
    })
  }

  #newQuery(): string {
    const random = this.#random
    const parameters = new URLSearchParams({ limit: String(random.pick([10, 20, 20, 50])) })
    if (this.#categories.size > 0 && random.next() < 0.7) {
      parameters.set('category', random.pick([...this.#categories]))
    }
    if (random.next() < 0.4) parameters.set('sort', random.pick(sorts))
    if (random.next() < 0.2) parameters.set('minPrice', String(random.between(0, 5000)))
    if (random.next() < 0.1) parameters.set('search', random.pick(words))
    return parameters.toString()
  }

  #get(): Call {
    const id = this.#random.pick(this.#knownIds)
    return read('get', `${PRODUCTS_PATH}/${id}`, () => undefined)
  }

  #create(): Call {
    const random = this.#random
    const categories = [...this.#categories]
    return {
      kind: 'create',
      method: 'POST',
      path: PRODUCTS_PATH,
      body: {
        name: `${this.tag} ${random.pick(words)} ${random.between(1, 999_999)}`,
        category: categories.length === 0 ? 'coffee' : random.pick(categories),
        priceCents: random.between(100, 20_000),
        stock: random.between(0, 500),
      },
      settle: (answer) => {
        const id = idOf(answer?.body)
        if (answer === null || !isSuccess(answer) || id === null) return
        this.#createdCount += 1
        this.#ownIds.push(id)
      },
    }
  }

  #update(): Call {
    const id = this.#takeOwn()
    return {
      kind: 'update',
      method: 'PATCH',
      path: `${PRODUCTS_PATH}/${id}`,
      body: { priceCents: this.#random.between(100, 20_000) },
      settle: () => void this.#ownIds.push(id),
    }
  }

  #delete(): Call {
    const id = this.#takeOwn()
    return {
      kind: 'delete',
      method: 'DELETE',
      path: `${PRODUCTS_PATH}/${id}`,
      settle: (answer) => this.settleDelete(id, answer),
    }
  }

  /** What became of a delete of one of our rows; a row that may still be there stays ours. */
  settleDelete(id: number, answer: Answer | null): void {
    if (answer !== null && isSuccess(answer)) this.#deletedCount += 1
    else if (answer?.status !== 404) this.#ownIds.push(id)
  }

  /** Counts rows whose answer never came, and that were there all the same. */
  noteCreated(count: number): void {
    this.#createdCount += count
  }

  /** Takes all our rows out, to delete them. */
  takeAllOwn(): number[] {
    return this.#ownIds.splice(0)
  }

  #takeOwn(): number {
    const index = this.#random.between(0, this.#ownIds.length - 1)
    const id = this.#ownIds[index]!
    const last = this.#ownIds.pop()!
    if (last !== id) this.#ownIds[index] = last
    return id
  }
}

const read = (kind: Kind, path: string, settle: Call['settle']): Call => ({
  kind,
  method: 'GET',
  path,
  settle,
})

export const isSuccess = ({ status }: Answer): boolean => status >= 200 && status < 300

interface Item {
  readonly id: number
  /** Empty, like a category that is `null`, when it is not said. */
  readonly name: string
  readonly category: string | null
}

export interface Page {
  readonly items: readonly Item[]
  readonly nextCursor: string | null
}

/** The page in an answer; `null` when it holds none. */
export function pageOf(answer: Answer | null): Page | null {
  if (answer === null || !isSuccess(answer)) return null
  const { items, nextCursor } = Object(answer.body) as Record<string, unknown>
  if (!Array.isArray(items)) return null
  return {
    items: items.flatMap((item: unknown) => itemOf(item) ?? []),
    nextCursor: typeof nextCursor === 'string' ? nextCursor : null,
  }
}

function itemOf(value: unknown): Item | null {
  const id = idOf(value)
  if (id === null) return null
  const { name, category } = Object(value) as Record<string, unknown>
  return {
    id,
    name: typeof name === 'string' ? name : '',
    category: typeof category === 'string' ? category : null,
  }
}

function idOf(value: unknown): number | null {
  const { id } = Object(value) as Record<string, unknown>
  return Number.isSafeInteger(id) ? (id as number) : null
}
