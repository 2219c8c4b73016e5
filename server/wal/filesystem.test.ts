import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { realpath, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { tempDir } from '../testing/temp-db.ts'
import type { FilesystemReader, FilesystemReport } from './filesystem.ts'
import {
  assertLocalFilesystem,
  diskRoom,
  inspectFilesystem,
  judgeFilesystem,
} from './filesystem.ts'

const table = [
  '26 1 254:0 / / rw - ext4 /dev/vda rw',
  '30 26 0:40 / /srv/data rw - nfs4 files:/export rw',
  '31 26 0:41 / /shared rw - 9p host rw',
].join('\n')

function reader(given: Partial<FilesystemReader> = {}): FilesystemReader {
  return {
    realPath: (path) => Promise.resolve(path),
    mountInfo: () => Promise.resolve(table),
    magic: () => Promise.reject(new Error('nobody should ask')),
    ...given,
  }
}

const withoutTable = (magic: number): FilesystemReader =>
  reader({
    mountInfo: () => Promise.reject(new Error('ENOENT')),
    magic: () => Promise.resolve(magic),
  })

describe('judging a file system', () => {
  it('knows those that another machine may share', () => {
    for (const type of ['nfs', 'nfs4', 'cifs', 'smb3', '9p', 'virtiofs', 'fuse.sshfs', 'gfs2']) {
      assert.equal(judgeFilesystem(type), 'network', type)
    }
  })

  it('knows those of one machine', () => {
    for (const type of ['ext4', 'xfs', 'btrfs', 'zfs', 'overlay', 'tmpfs', 'apfs', 'fuseblk']) {
      assert.equal(judgeFilesystem(type), 'local', type)
    }
  })

  it('leaves the others open', () => {
    for (const type of ['fuse', 'fuse.mine', 'autofs', 'nfsd', 'constructor', '']) {
      assert.equal(judgeFilesystem(type), 'unknown', type)
    }
  })
})

describe('inspecting the file system of a database', () => {
  it('reports the mount of its folder', async () => {
    assert.deepEqual(await inspectFilesystem('/srv/data/database.sqlite', reader()), {
      type: 'nfs4',
      point: '/srv/data',
      source: 'files:/export',
      verdict: 'network',
    })
  })

  it('believes the mount table and not statfs', async () => {
    const ext4Says = reader({ magic: () => Promise.resolve(0xef53) })
    const report = await inspectFilesystem('/shared/database.sqlite', ext4Says)
    assert.equal(report.type, '9p')
    assert.equal(report.verdict, 'network')
  })

  it('asks statfs where there is no mount table', async () => {
    const report = await inspectFilesystem('/srv/database.sqlite', withoutTable(0x6969))
    assert.deepEqual(report, { type: 'nfs', point: null, source: null, verdict: 'network' })
    const local = await inspectFilesystem('/srv/database.sqlite', withoutTable(0x58465342))
    assert.deepEqual([local.type, local.verdict], ['xfs', 'local'])
  })

  it('takes a number with a sign for the same number', async () => {
    const report = await inspectFilesystem('/srv/database.sqlite', withoutTable(0xff534d42 | 0))
    assert.deepEqual([report.type, report.verdict], ['cifs', 'network'])
  })

  it('does not know when nobody answers', async () => {
    const silent = reader({
      mountInfo: () => Promise.reject(new Error('ENOENT')),
      magic: () => Promise.reject(new Error('ENOSYS')),
      realPath: () => Promise.reject(new Error('EACCES')),
    })
    assert.deepEqual(await inspectFilesystem('/srv/database.sqlite', silent), {
      type: null,
      point: null,
      source: null,
      verdict: 'unknown',
    })
  })

  it('follows a link of the file to where the log will be', async (t) => {
    const root = tempDir(t)
    const [share, app] = [join(root, 'share'), join(root, 'app')]
    mkdirSync(share)
    mkdirSync(app)
    writeFileSync(join(share, 'database.sqlite'), '')
    symlinkSync(join(share, 'database.sqlite'), join(app, 'database.sqlite'))
    assert.equal((await inspectIn(share, join(app, 'database.sqlite'))).verdict, 'network')
  })

  it('follows a link of the folder for a file that is still to be made', async (t) => {
    const root = tempDir(t)
    const share = join(root, 'share')
    mkdirSync(share)
    symlinkSync(share, join(root, 'app'))
    assert.equal((await inspectIn(share, join(root, 'app/new.sqlite'))).verdict, 'network')
  })

  it('finds this machine fit to be tested on', async (t) => {
    const report = await inspectFilesystem(join(tempDir(t), 'database.sqlite'))
    if (process.platform === 'linux') assert.ok(report.type !== null && report.point !== null)
    assert.notEqual(report.verdict, 'network')
  })
})

/** With the real links of the disk, and a table that says that `share` is a share. */
async function inspectIn(share: string, path: string): Promise<FilesystemReport> {
  const mounts = `1 0 0:1 / / rw - ext4 /dev/vda rw\n2 1 0:2 / ${await realpath(share)} rw - cifs //nas/x rw`
  return inspectFilesystem(
    path,
    reader({ realPath: (p) => realpath(p), mountInfo: async () => mounts }),
  )
}

describe('refusing a network file system', () => {
  const report = (verdict: FilesystemReport['verdict']): FilesystemReport => ({
    type: 'nfs4',
    point: '/srv/data',
    source: 'files:/export',
    verdict,
  })

  it('names the type, the place, the reason and both ways out', () => {
    assert.throws(() => assertLocalFilesystem(report('network')), {
      name: 'WALError',
      code: 'WAL_NETWORK_FILESYSTEM',
      retryable: false,
      message:
        /nfs4, mounted at \/srv\/data from files:\/export.*memory.*local disk.*filesystem: 'any'/,
    })
  })

  it('does without the place when only statfs has answered', () => {
    const bare = { type: 'nfs', point: null, source: null, verdict: 'network' } as const
    assert.throws(() => assertLocalFilesystem(bare), /file system \(nfs\):/)
  })

  it('lets pass what is local, and what is not known', () => {
    assertLocalFilesystem(report('local'))
    assertLocalFilesystem(report('unknown'))
  })
})

describe('the room on a disk', () => {
  it('is told in bytes', async (t) => {
    const folder = tempDir(t)
    const room = await diskRoom(folder)
    const { bavail, bsize } = await statfs(folder)
    assert.ok(room !== null)
    // Others write to this disk too.
    assert.ok(Math.abs(room.freeBytes - bavail * bsize) < room.totalBytes / 10)
    assert.ok(room.freeBytes > 0 && room.freeBytes < room.totalBytes)
    // Any disk on which this runs is larger than that many blocks.
    assert.ok(room.totalBytes > 64 * 1024 * 1024)
  })

  it('is not known for a path that does not exist', async (t) => {
    assert.equal(await diskRoom(join(tempDir(t), 'no/such/file')), null)
  })
})
