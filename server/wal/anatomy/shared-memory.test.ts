import assert from 'node:assert/strict'
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  readSync,
  renameSync,
  symlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import Database from 'better-sqlite3'
import { tempDatabase, tempDir } from '../../testing/temp-db.ts'
import { findMapping, SharedMemory } from './shared-memory.ts'
import { startPeer } from './testing/peer-process.ts'

const skip = process.platform === 'linux' ? false : 'there is no /proc'

const FILE = { path: '/data/my db/x-shm', inode: 42n, device: 0xfe00n }

describe('findMapping', () => {
  const row = (
    changes: {
      path?: string
      offset?: string
      device?: string
      inode?: number
      address?: string
    } = {},
  ): string => {
    const { path = FILE.path, offset = '00000000', device = 'fe:00', inode = 42 } = changes
    const { address = '7f14915d0000-7f14915d8000' } = changes
    return `${address} rw-s ${offset} ${device} ${inode}                    ${path}`
  }
  const other = '7f14000d0000-7f14000d8000'

  const cases: [name: string, rows: readonly string[], isFound: boolean][] = [
    ['a path with spaces', [row()], true],
    ['rows without a path before it', ['7ffc-7ffd rw-p 00000000 00:00 0 ', '', row()], true],
    ['another device, as on overlay', [row({ device: '00:2a' })], true],
    ['its second part only', [row({ offset: '00008000' })], false],
    ['another inode: it was replaced', [row({ inode: 43 })], false],
    ['a file that was deleted', [row({ path: `${FILE.path} (deleted)` })], false],
    ['a longer path that ends alike', [row({ path: `/y${FILE.path}` })], false],
    ['a path that ends alike after a space', [row({ path: `/y ${FILE.path}` })], false],
    ['nothing', [], false],
  ]
  for (const [name, rows, isFound] of cases) {
    it(`${isFound ? 'finds' : 'does not take'} ${name}`, () => {
      const address = findMapping(`${rows.join('\n')}\n`, FILE)
      assert.equal(address, isFound ? 0x7f14_915d_0000 : null)
    })
  }

  it('prefers the device that stat names', () => {
    const maps = [row({ device: '00:2a', address: other }), row()].join('\n')
    assert.equal(findMapping(maps, FILE), 0x7f14_915d_0000)
  })

  it('finds a path with a line break', () => {
    const file = { ...FILE, path: '/data/a\nb-shm' }
    assert.equal(findMapping(row({ path: String.raw`/data/a\012b-shm` }), file), 0x7f14_915d_0000)
  })
})

interface Cleanup {
  after(fn: () => void): void
}

function connect(t: Cleanup, path: string): Database.Database {
  const database = new Database(path)
  t.after(() => database.close())
  database.pragma('journal_mode = WAL')
  database.pragma('wal_autocheckpoint = 0')
  database.exec('CREATE TABLE IF NOT EXISTS entry (body)')
  return database
}

function sharedMemory(t: Cleanup, path: string): SharedMemory {
  const memory = new SharedMemory(path)
  t.after(() => memory.close())
  return memory
}

const fill = (database: Database.Database, count: number): void => {
  for (let i = 0; i < count; i += 1) database.exec('INSERT INTO entry VALUES (randomblob(100))')
}

/** The second copy of the header begins here. */
const SECOND_COPY = 48

const openMemories = (): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return /^\/proc\/\d+\/mem$/.test(readlinkSync(`/proc/self/fd/${fd}`))
    } catch {
      return false
    }
  }).length

describe('SharedMemory', { skip }, () => {
  it('follows the log', (t) => {
    const path = tempDatabase(t)
    const database = connect(t, path)
    const memory = sharedMemory(t, path)
    const before = memory.read()!
    fill(database, 5)
    const after = memory.read()!
    assert.ok(after.frames > before.frames)
    assert.ok(after.changeCounter > before.changeCounter)
    assert.equal(after.pageSizeBytes, 4096)
  })

  it('finds it in a directory with spaces, and behind a symbolic link', (t) => {
    const directory = join(tempDir(t), 'my data ü')
    mkdirSync(directory)
    const link = join(directory, 'link.sqlite')
    symlinkSync('real.sqlite', link)
    const database = connect(t, link)
    fill(database, 1)
    for (const name of ['real.sqlite', 'link.sqlite'])
      assert.ok(sharedMemory(t, join(directory, name)).read()!.frames > 0, name)
  })

  it('says nothing before there is a log, and finds it as soon as there is one', (t) => {
    const path = tempDatabase(t)
    const memory = sharedMemory(t, path)
    assert.deepEqual([memory.read(), memory.find(), memory.isAvailable], [null, null, true])
    connect(t, path)
    assert.notEqual(memory.read(), null)
  })

  it('says nothing about a log that only another process has open', async (t) => {
    const path = tempDatabase(t)
    new Database(path).close()
    const peer = await startPeer(t, path)
    await peer.ask('PRAGMA journal_mode = WAL')
    assert.equal(sharedMemory(t, path).read(), null)
  })

  it('says nothing when the connection has gone, and finds the next one', (t) => {
    const path = tempDatabase(t)
    const memory = sharedMemory(t, path)
    const first = connect(t, path)
    fill(first, 3)
    assert.notEqual(memory.read(), null)
    first.close()
    assert.equal(memory.read(), null)
    connect(t, path)
    assert.notEqual(memory.read(), null)
  })

  it('does not take the log of another database for this one when it is asked to find it', async (t) => {
    const path = tempDatabase(t)
    const database = connect(t, path)
    // The other process keeps the files in place.
    const peer = await startPeer(t, path)
    await peer.ask('SELECT count(*) FROM entry')
    const memory = sharedMemory(t, path)
    assert.notEqual(memory.read(), null)
    database.close()
    // The system likes to give them the address that has just become free.
    for (let i = 0; i < 3; i += 1) connect(t, tempDatabase(t))
    assert.equal(memory.find(), null)
    assert.equal(memory.read(), null)
  })

  it('does not count what a file of the same name was', (t) => {
    const path = tempDatabase(t)
    connect(t, path)
    const memory = sharedMemory(t, path)
    assert.notEqual(memory.find(), null)
    renameSync(`${path}-shm`, `${path}-gone`)
    assert.equal(memory.find(), null)
    // Any file: it only has to have another inode. Nobody has this one open.
    copyFileSync(import.meta.filename, `${path}-shm`)
    assert.equal(memory.find(), null)
    assert.equal(memory.read(), null)
  })

  describe('while a writer publishes its header', () => {
    /** The two copies differ in the first `count` readings, as when the second is not written yet. */
    function torn(
      t: Cleanup,
      path: string,
      count: number,
    ): { memory: SharedMemory; reads: number } {
      const rig = { memory: new SharedMemory(path, read), reads: 0 }
      function read(fd: number, buffer: Buffer, ...where: [number, number, number]): number {
        const bytesRead = readSync(fd, buffer, ...where)
        rig.reads += 1
        if (rig.reads <= count) buffer[SECOND_COPY] = buffer[SECOND_COPY]! ^ 1
        return bytesRead
      }
      t.after(() => rig.memory.close())
      return rig
    }

    it('reads again until both copies are the same', (t) => {
      const path = tempDatabase(t)
      fill(connect(t, path), 1)
      const whole = sharedMemory(t, path).read()
      const rig = torn(t, path, 4)
      rig.memory.find()
      assert.deepEqual([rig.memory.read(), rig.reads], [whole, 5])
    })

    it('says nothing where they never are, in this place and where it looks for another', (t) => {
      const path = tempDatabase(t)
      fill(connect(t, path), 1)
      const rig = torn(t, path, Number.POSITIVE_INFINITY)
      rig.memory.find()
      assert.deepEqual([rig.memory.read(), rig.reads], [null, 10])
    })
  })

  it('opens what it reads from once, and gives it back', (t) => {
    const path = tempDatabase(t)
    const database = connect(t, path)
    const before = openMemories()
    const memory = sharedMemory(t, path)
    for (let i = 0; i < 100; i += 1) {
      memory.read()
      memory.find()
    }
    assert.equal(openMemories(), before + 1)
    memory.close()
    memory.close()
    assert.equal(openMemories(), before)
    fill(database, 1)
    assert.deepEqual([memory.read(), memory.find(), memory.isAvailable], [null, null, false])
  })
})

describe('SharedMemory on a platform without /proc', () => {
  it('says nothing, and looks for nothing', (t) => {
    const path = tempDatabase(t)
    connect(t, path)
    t.mock.property(process, 'platform', 'darwin')
    const memory = sharedMemory(t, path)
    assert.deepEqual([memory.isAvailable, memory.read(), memory.find()], [false, null, null])
    t.mock.restoreAll()
    assert.equal(memory.read(), null, 'it has made up its mind')
  })
})
