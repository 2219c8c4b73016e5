import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { readLitestreamMetrics } from './metrics.ts'

interface Cleanup {
  after(fn: () => void): void
}

/** As 0.3.13 answers. */
const page03 = `# HELP litestream_checkpoint_count Number of checkpoint operations performed
# TYPE litestream_checkpoint_count counter
litestream_checkpoint_count{db="/data/database.sqlite",mode="PASSIVE"} 26
litestream_checkpoint_count{db="/data/database.sqlite",mode="RESTART"} 2
litestream_db_size{db="/data/database.sqlite"} 16384
litestream_replica_validation_total{db="/data/database.sqlite",name="file",status="ok"} 0
litestream_replica_wal_index{db="/data/database.sqlite",name="file"} 3
litestream_replica_wal_offset{db="/data/database.sqlite",name="file"} 1.256632e+06
litestream_sync_count{db="/data/database.sqlite"} 5
litestream_sync_error_count{db="/data/database.sqlite"} 0
litestream_wal_size{db="/data/database.sqlite"} 1.256632e+06
go_goroutines 12
`

/** As 0.5 answers, by its source. */
const page05 = `litestream_checkpoint_count{db="/data/database.sqlite",mode="PASSIVE"} 7
litestream_checkpoint_error_count{db="/data/database.sqlite",mode="PASSIVE"} 1
litestream_checkpoint_error_count{db="/data/database.sqlite",mode="TRUNCATE"} 2
litestream_db_size{db="/data/database.sqlite"} 16384
litestream_disk_full{db="/data/database.sqlite"} 1
litestream_l0_retention_files_total{db="database.sqlite",status="eligible"} 9
litestream_sync_count{db="/data/database.sqlite"} 50
litestream_sync_error_count{db="/data/database.sqlite"} 4
litestream_txid{db="/data/database.sqlite"} 812
litestream_wal_size{db="/data/database.sqlite"} 4152
`

async function serve(t: Cleanup, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const serveText = (t: Cleanup, text: string): Promise<string> =>
  serve(t, (_, response) => response.end(text))

describe("Litestream's metrics", () => {
  it('are read from version 0.3', async (t) => {
    const url = await serveText(t, page03)
    assert.deepEqual(await readLitestreamMetrics(url, { path: '/data/database.sqlite' }), {
      error: null,
      numbers: {
        database: '/data/database.sqlite',
        databaseBytes: 16_384,
        walBytes: 1_256_632,
        checkpointsByMode: { PASSIVE: 26, RESTART: 2 },
        checkpoints: 28,
        checkpointErrors: null,
        syncs: 5,
        syncErrors: 0,
        txid: null,
        isDiskFull: null,
        replicas: [{ name: 'file', walIndex: 3, walOffsetBytes: 1_256_632 }],
      },
    })
  })

  it('are read from version 0.5', async (t) => {
    const url = await serveText(t, page05)
    assert.deepEqual(await readLitestreamMetrics(url), {
      error: null,
      numbers: {
        database: '/data/database.sqlite',
        databaseBytes: 16_384,
        walBytes: 4152,
        checkpointsByMode: { PASSIVE: 7 },
        checkpoints: 7,
        checkpointErrors: 3,
        syncs: 50,
        syncErrors: 4,
        txid: 812,
        isDiskFull: true,
        replicas: null,
      },
    })
  })

  it('have no zero for what is not told', async (t) => {
    const url = await serveText(t, 'litestream_db_size{db="/a"} 0\n')
    const { numbers } = await readLitestreamMetrics(url)
    assert.deepEqual(Object.values(numbers!), ['/a', 0, ...Array(9).fill(null)])
  })

  it('are those of our database among several', async (t) => {
    const url = await serveText(
      t,
      'litestream_db_size{db="/data/a"} 1\nlitestream_db_size{db="/data/b"} 2\n',
    )
    const ours = await readLitestreamMetrics(url, { path: '/data/x/../b' })
    assert.equal(ours.numbers?.databaseBytes, 2)
    const unknown = await readLitestreamMetrics(url, { path: '/data/c' })
    assert.equal(unknown.error?.code, 'LITESTREAM_UNKNOWN_DATABASE')
  })

  it('are those of its only database, by whatever path it knows it', async (t) => {
    const url = await serveText(t, 'litestream_db_size{db="/mnt/data/a"} 1\n')
    const { numbers } = await readLitestreamMetrics(url, { path: '/data/a' })
    assert.equal(numbers?.database, '/mnt/data/a')
  })

  it('are at /metrics unless the URL has a path', async (t) => {
    const asked: unknown[] = []
    const url = await serve(t, ({ url: path }, response) => {
      asked.push(path)
      response.end(page03)
    })
    await readLitestreamMetrics(url)
    await readLitestreamMetrics(`${url}/litestream?x=1`)
    assert.deepEqual(asked, ['/metrics', '/litestream?x=1'])
  })
})

describe("a failure to read Litestream's metrics", () => {
  const codeOf = async (
    url: string,
    options?: Parameters<typeof readLitestreamMetrics>[1],
  ): Promise<string | undefined> => (await readLitestreamMetrics(url, options)).error?.code

  it('is a URL of another kind, and none of it is shown', async () => {
    for (const url of ['file:///etc/secret', 'secret', '', 'http://me:secret@127.0.0.1/']) {
      const { error } = await readLitestreamMetrics(url)
      assert.equal(error?.code, 'LITESTREAM_INVALID_URL', url)
      assert.doesNotMatch(error.message, /secret/)
    }
  })

  it('is another status', async (t) => {
    const url = await serve(t, (_, response) => response.writeHead(404).end('no'))
    assert.equal(await codeOf(url), 'LITESTREAM_BAD_STATUS')
  })

  it('is a redirect, which is not followed', async (t) => {
    let askedCount = 0
    const elsewhere = await serve(t, (_, response) => {
      askedCount += 1
      response.end(page03)
    })
    const url = await serve(t, (_, response) =>
      response.writeHead(302, { location: `${elsewhere}/metrics` }).end(),
    )
    assert.equal(await codeOf(url), 'LITESTREAM_BAD_STATUS')
    assert.equal(askedCount, 0)
  })

  it('is an answer without an end', async (t) => {
    let isCutOff = false
    const url = await serve(t, (_, response) => {
      const write = (): void => {
        if (response.destroyed) isCutOff = true
        else response.write(page03.repeat(100), () => setImmediate(write))
      }
      write()
    })
    assert.equal(await codeOf(url, { timeoutMs: 60_000 }), 'LITESTREAM_TOO_LARGE')
    while (!isCutOff) await new Promise((resolve) => setImmediate(resolve))
  })

  it('is an answer that does not come', async (t) => {
    const url = await serve(t, () => {})
    assert.equal(await codeOf(url, { timeoutMs: 30 }), 'LITESTREAM_TIMEOUT')
  })

  it('is an answer that does not go on', async (t) => {
    const url = await serve(t, (_, response) => void response.write(page03))
    assert.equal(await codeOf(url, { timeoutMs: 100 }), 'LITESTREAM_TIMEOUT')
  })

  it('is nobody there, and says so', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    const { error } = await readLitestreamMetrics(`http://127.0.0.1:${port}`)
    assert.deepEqual(error, {
      code: 'LITESTREAM_UNREACHABLE',
      message: `127.0.0.1:${port}: ECONNREFUSED`,
    })
  })

  it('is a connection that breaks', async (t) => {
    const url = await serve(t, (_, response) => {
      response.write(page03, () => response.destroy())
    })
    assert.equal(await codeOf(url), 'LITESTREAM_UNREACHABLE')
  })

  it('is giving up', async (t) => {
    const giveUp = new AbortController()
    const url = await serve(t, () => giveUp.abort())
    assert.equal(await codeOf(url, { signal: giveUp.signal }), 'LITESTREAM_UNREACHABLE')
  })

  it('is a page of something else', async (t) => {
    assert.equal(await codeOf(await serveText(t, 'go_goroutines 12\n')), 'LITESTREAM_NO_METRICS')
    assert.equal(await codeOf(await serveText(t, '<html></html>')), 'LITESTREAM_NO_METRICS')
    assert.equal(await codeOf(await serveText(t, '')), 'LITESTREAM_NO_METRICS')
  })
})
