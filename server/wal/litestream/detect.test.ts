import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { tempDir } from '../../testing/temp-db.ts'
import { detectLitestream, isLive } from './detect.ts'

const MINUTE = 60_000
const NOW = 1_700_000_000_000
const nobody = (): Promise<null> => Promise.resolve(null)
const quiet = { nowEpochMs: NOW, findProcess: nobody }

interface Cleanup {
  after(fn: () => void): void
}

interface Files {
  readonly root: string
  readonly path: string
  readonly folder: string
}

/** A database file and its folder of Litestream; `ages` in ms before NOW. */
function files(
  t: Cleanup,
  ages: { readonly databaseMs?: number; readonly shadow?: Readonly<Record<string, number>> } = {},
): Files {
  const root = tempDir(t)
  const path = join(root, 'database.sqlite')
  const folder = join(root, '.database.sqlite-litestream')
  writeFileSync(path, '')
  setAge(path, ages.databaseMs ?? 60 * MINUTE)
  const folders = new Set<string>()
  for (const [name, ageMs] of Object.entries(ages.shadow ?? {})) {
    const file = join(folder, name)
    for (let up = join(file, '..'); up.startsWith(folder); up = join(up, '..')) folders.add(up)
    mkdirSync(join(file, '..'), { recursive: true })
    writeFileSync(file, '')
    setAge(file, ageMs)
  }
  for (const old of folders) setAge(old, 60 * MINUTE)
  return { root, path, folder }
}

const setAge = (file: string, ageMs: number): void =>
  utimesSync(file, (NOW - ageMs) / 1000, (NOW - ageMs) / 1000)

describe('detecting Litestream', () => {
  it('finds nothing on a database that it never saw', async (t) => {
    const { path } = files(t)
    assert.equal(await detectLitestream(path, quiet), null)
    assert.equal(await detectLitestream(path, { ...quiet, hasTable: () => false }), null)
  })

  it('asks for its tables through the given connection', async (t) => {
    const { path } = files(t)
    const asked: string[] = []
    const signs = await detectLitestream(path, {
      ...quiet,
      hasTable: (names) => asked.push(...names) > 0,
    })
    assert.deepEqual(asked, ['_litestream_seq', '_litestream_lock'])
    assert.deepEqual(signs, {
      hasTables: true,
      directory: null,
      lastWrittenAtMs: null,
      pid: null,
      isLive: null,
    })
  })

  it('does not know of tables when the question fails', async (t) => {
    const { path, folder } = files(t, { shadow: { generation: 0 } })
    const hasTable = (): boolean => {
      throw new Error('database is locked')
    }
    const signs = await detectLitestream(path, { ...quiet, hasTable })
    assert.equal(signs?.hasTables, null)
    assert.equal(signs.directory, folder)
  })

  it('finds the newest write deep in the folder of 0.3', async (t) => {
    const wal = 'generations/f0c38c72967e98d7/wal'
    const { path, folder } = files(t, {
      shadow: {
        generation: 50 * MINUTE,
        [`${wal}/00000000.wal`]: 40 * MINUTE,
        [`${wal}/00000001.wal`]: 2 * MINUTE,
      },
    })
    const signs = await detectLitestream(path, quiet)
    assert.equal(signs?.directory, folder)
    assert.equal(signs.lastWrittenAtMs, NOW - 2 * MINUTE)
    assert.equal(signs.isLive, true)
  })

  it('finds it in the folder of 0.5 too', async (t) => {
    const name = (n: number): string => `ltx/0/${String(n).padStart(16, '0')}-0000000000000009.ltx`
    const { path } = files(t, { shadow: { [name(8)]: 30 * MINUTE, [name(9)]: MINUTE } })
    assert.equal((await detectLitestream(path, quiet))?.lastWrittenAtMs, NOW - MINUTE)
  })

  it('tells leftovers by a database that went on alone', async (t) => {
    const { path } = files(t, { databaseMs: 5 * MINUTE, shadow: { generation: 40 * MINUTE } })
    assert.equal((await detectLitestream(path, quiet))?.isLive, false)
  })

  it('counts a write that is only in the log', async (t) => {
    const { path } = files(t, { shadow: { generation: 50 * MINUTE } })
    assert.equal((await detectLitestream(path, quiet))?.isLive, null)
    writeFileSync(`${path}-wal`, '')
    setAge(`${path}-wal`, 5 * MINUTE)
    assert.equal((await detectLitestream(path, quiet))?.isLive, false)
  })

  it('finds the folder beside the file that a link leads to', async (t) => {
    const { root, path, folder } = files(t, { shadow: { generation: 0 } })
    const link = join(root, 'link.sqlite')
    symlinkSync(path, link)
    assert.match(
      (await detectLitestream(link, quiet))!.directory!,
      new RegExp(`${basenameOf(folder)}$`),
    )
  })

  it('takes no file of that name for the folder', async (t) => {
    const { path, folder } = files(t)
    writeFileSync(folder, '')
    assert.equal(await detectLitestream(path, quiet), null)
  })

  it('needs no other sign when a process has the database open', async (t) => {
    const { path } = files(t)
    const signs = await detectLitestream(path, {
      ...quiet,
      findProcess: () => Promise.resolve(17),
    })
    assert.deepEqual([signs?.pid, signs?.isLive], [17, true])
  })
})

const basenameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

describe('whether Litestream runs', () => {
  const judge = (
    ages: { readonly folderMs: number; readonly databaseMs: number },
    pid: number | null = null,
  ): boolean | null =>
    isLive(
      {
        pid,
        lastWrittenAtMs: NOW - ages.folderMs,
        databaseWrittenAtMs: NOW - ages.databaseMs,
      },
      NOW,
    )

  it('is certain when its process is seen', () => {
    assert.equal(judge({ folderMs: 60 * MINUTE, databaseMs: 5 * MINUTE }, 17), true)
  })

  it('is likely when it wrote in the last five minutes', () => {
    assert.equal(judge({ folderMs: 5 * MINUTE, databaseMs: 0 }), true)
  })

  it('is denied when it had a minute to follow a write and did not', () => {
    assert.equal(judge({ folderMs: 20 * MINUTE, databaseMs: 2 * MINUTE }), false)
  })

  it('is open while it may still follow', () => {
    assert.equal(judge({ folderMs: 20 * MINUTE, databaseMs: 1000 }), null)
  })

  it('is open when both are quiet', () => {
    assert.equal(judge({ folderMs: 20 * MINUTE, databaseMs: 20 * MINUTE }), null)
    assert.equal(judge({ folderMs: 20 * MINUTE, databaseMs: 19.5 * MINUTE }), null)
  })

  it('is open without a folder', () => {
    const traces = { pid: null, lastWrittenAtMs: null, databaseWrittenAtMs: NOW }
    assert.equal(isLive(traces, NOW), null)
  })
})
