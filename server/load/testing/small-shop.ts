import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

interface Cleanup {
  after(fn: () => void | Promise<void>): void
}

interface ShopRow {
  readonly id: number
  readonly name: string
  readonly category: string
  readonly priceCents: number
}

/** A products API in memory, on a real port, that writes down what it was asked. */
export interface SmallShop {
  readonly url: string
  readonly rows: Map<number, ShopRow>
  /** `METHOD path`, without the query. */
  readonly requests: string[]
  /**
   * Looks at each request first: answers it itself (`true`), leaves it to the shop (`false`), or lets the shop
   * do the work and then hangs up.
   */
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean | 'hang up'
}

/** Starts one with 30 rows that the load has not made. */
export async function startSmallShop(t: Cleanup): Promise<SmallShop> {
  const rows = new Map<number, ShopRow>()
  for (let id = 1; id <= 30; id += 1) {
    const category = id % 2 === 0 ? 'tea' : 'coffee'
    rows.set(id, { id, name: `Product ${id}`, category, priceCents: id * 100 })
  }
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url!.split('?')[0]}`)
    const verdict = shop.intercept(request, response)
    if (verdict === true) return
    void answer(rows, request, (status, body) => {
      if (verdict === 'hang up') response.destroy()
      else reply(response, status, body)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  })
  const shop: SmallShop = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    rows,
    requests,
    intercept: () => false,
  }
  return shop
}

export function reply(response: ServerResponse, status: number, body?: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(body === undefined ? undefined : JSON.stringify(body))
}

async function answer(
  rows: Map<number, ShopRow>,
  request: IncomingMessage,
  respond: (status: number, body?: unknown) => void,
): Promise<void> {
  const url = new URL(request.url!, 'http://shop')
  const id = Number(/^\/api\/products\/(\d+)$/.exec(url.pathname)?.[1])
  const row = rows.get(id)
  if (url.pathname === '/api/products') {
    if (request.method === 'GET') return respond(200, listRows(rows, url.searchParams))
    const nextId = Math.max(...rows.keys()) + 1
    rows.set(nextId, { ...((await json(request)) as Omit<ShopRow, 'id'>), id: nextId })
    return respond(201, rows.get(nextId))
  }
  if (url.pathname === '/api/products/stats') return respond(200, { count: rows.size })
  if (row === undefined) return respond(404, { error: { code: 'NOT_FOUND' } })
  if (request.method === 'DELETE') {
    rows.delete(id)
    return respond(204)
  }
  if (request.method === 'PATCH') rows.set(id, { ...row, ...((await json(request)) as object) })
  respond(200, rows.get(id))
}

function listRows(rows: Map<number, ShopRow>, query: URLSearchParams): unknown {
  const limit = Number(query.get('limit') ?? 20)
  const after = Number(query.get('cursor') ?? 0)
  const items = [...rows.values()].filter(
    (row) =>
      row.id > after &&
      (query.get('category') ?? row.category) === row.category &&
      row.name.includes(query.get('search') ?? ''),
  )
  const page = items.slice(0, limit)
  const hasMore = items.length > page.length
  return { items: page, nextCursor: hasMore ? String(page.at(-1)!.id) : null }
}
