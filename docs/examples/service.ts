// A small HTTP service on the one pool of the process, and how it ends: first the server, then the pool.
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { closeConnectionPool, getConnectionPool, PoolError } from '../../server/index.ts'

const pool = await getConnectionPool({ path: 'visits.sqlite', maxWaiters: 100 })
await pool.run('CREATE TABLE IF NOT EXISTS visit (path TEXT PRIMARY KEY, count INTEGER) STRICT')

const COUNT_VISIT = `
  INSERT INTO visit VALUES (?, 1) ON CONFLICT (path) DO UPDATE SET count = count + 1 RETURNING count`

const server = createServer((request, response) => {
  // Whoever hangs up while waiting for a connection leaves the queue.
  const hangUp = new AbortController()
  response.once('close', () => hangUp.abort())
  const path = new URL(request.url ?? '/', 'http://localhost').pathname
  pool
    .get(COUNT_VISIT, [path], { mode: 'write', label: 'count a visit', signal: hangUp.signal })
    .then((row) => answer(response, 200, row))
    .catch((error: unknown) => {
      const isBusy = error instanceof PoolError
      answer(response, isBusy ? 503 : 500, { error: isBusy ? error.code : 'INTERNAL' })
    })
})

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1')
await once(server, 'listening')
console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)

await once(process, 'SIGTERM')
// No request comes in any more, those under way are answered, and only then the pool goes.
server.close()
await once(server, 'close')
await closeConnectionPool()
console.log('closed')
