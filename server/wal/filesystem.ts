import { readFile, realpath, statfs } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { WALError } from './errors.ts'
import { mountOf, parseMountInfo } from './mounts.ts'

/**
 * `local`: all processes that open the file run under one kernel. `network`: another machine may, and its
 * memory is not ours. `unknown`: a type that we do not know, or no answer at all.
 */
export type FilesystemVerdict = 'local' | 'network' | 'unknown'

/** On what the folder of a database lies; `null`: it could not be told. */
export interface FilesystemReport {
  /** As the kernel names it, for instance `ext4` or `fuse.sshfs`. */
  readonly type: string | null
  /** Where it is mounted. */
  readonly point: string | null
  /** What is mounted there: a device or a share. */
  readonly source: string | null
  readonly verdict: FilesystemVerdict
}

/** How the machine is asked; tests put another one in. Each may reject. */
export interface FilesystemReader {
  realPath(path: string): Promise<string>
  /** `/proc/self/mountinfo`. */
  mountInfo(): Promise<string>
  /** The number of the file system's type, as `statfs` tells it. */
  magic(folder: string): Promise<number>
}

const systemReader: FilesystemReader = {
  realPath: (path) => realpath(path),
  mountInfo: () => readFile('/proc/self/mountinfo', 'utf8'),
  magic: async (folder) => (await statfs(folder)).type,
}

const NETWORK = namesIn(
  'nfs nfs4 cifs smb smb2 smb3 smbfs ncpfs afs afpfs coda',
  // Folders of a host that a virtual machine sees: the host's processes map other memory.
  '9p virtiofs vboxsf vmhgfs prl_fs drvfs fakeowner osxfs',
  'fuse.virtiofs fuse.vmhgfs-fuse fuse.grpcfuse fuse.osxfs',
  'ceph fuse.ceph fuse.ceph-fuse glusterfs fuse.glusterfs lustre gpfs beegfs orangefs pvfs2 panfs wekafs',
  // Cluster file systems: one disk, several kernels, and a mapping is coherent only within each.
  'ocfs2 gfs gfs2 vmfs',
  'davfs davfs2 fuse.davfs fuse.davfs2 fuse.sshfs fuse.curlftpfs fuse.mfs fuse.moosefs fuse.juicefs',
  'fuse.s3fs fuse.goofys fuse.mountpoint-s3 fuse.gcsfuse fuse.blobfuse fuse.blobfuse2 fuse.rclone',
  'fuse.seaweedfs fuse.gvfsd-fuse',
)

const LOCAL = namesIn(
  'ext2 ext3 ext4 xfs btrfs zfs f2fs bcachefs jfs reiserfs nilfs2 ubifs jffs2',
  'overlay aufs shiftfs fuse.fuse-overlayfs tmpfs ramfs devtmpfs rootfs squashfs erofs iso9660 udf',
  // `fuseblk` has a block device of this machine under it, such as a disk with NTFS.
  'apfs hfs hfsplus ufs vfat msdos exfat ntfs ntfs3 fuseblk',
)

/** For where there is no mount table. One number may stand for several types that are alike for us. */
const MAGICS: ReadonlyMap<number, string> = new Map([
  [0xef53, 'ext4'],
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0x01021994, 'tmpfs'],
  [0x794c7630, 'overlay'],
  [0x2fc12fc1, 'zfs'],
  [0xf2f52010, 'f2fs'],
  [0xca451a4e, 'bcachefs'],
  [0x858458f6, 'ramfs'],
  [0x4d44, 'vfat'],
  [0x2011bab0, 'exfat'],
  [0x7366746e, 'ntfs3'],
  [0x6969, 'nfs'],
  [0x517b, 'smbfs'],
  [0xff534d42, 'cifs'],
  [0xfe534d42, 'smb2'],
  [0x01021997, '9p'],
  [0x00c36400, 'ceph'],
  [0x0bd00bd0, 'lustre'],
  [0x47504653, 'gpfs'],
  [0x19830326, 'beegfs'],
  [0x5346414f, 'afs'],
  [0x6b414653, 'afs'],
  [0x7461636f, 'ocfs2'],
  [0x01161970, 'gfs2'],
  [0x786f4256, 'vboxsf'],
  [0x564c, 'ncpfs'],
  // Says nothing about what is behind it.
  [0x65735546, 'fuse'],
])

/** Judges a type by its name in the mount table. */
export function judgeFilesystem(type: string): FilesystemVerdict {
  const name = type.toLowerCase()
  if (NETWORK.has(name)) return 'network'
  return LOCAL.has(name) ? 'local' : 'unknown'
}

/**
 * Finds out on what the folder of a database lies. The mount table is asked first: on 9p `statfs` was seen to
 * give the number of another type. Opens no file but the table. Never rejects.
 */
export async function inspectFilesystem(
  path: string,
  reader: FilesystemReader = systemReader,
): Promise<FilesystemReport> {
  const folder = await folderOf(path, reader)
  const text = await reader.mountInfo().catch(() => '')
  const mount = mountOf(folder, parseMountInfo(text))
  if (mount !== null) return { ...mount, verdict: judgeFilesystem(mount.type) }
  const magic = await reader.magic(folder).catch(() => 0)
  // Some platforms give the 32 bits with a sign.
  const type = MAGICS.get(magic >>> 0) ?? null
  const verdict = type === null ? 'unknown' : judgeFilesystem(type)
  return { type, point: null, source: null, verdict }
}

/** @throws {WAL_NETWORK_FILESYSTEM} a file system that another machine may share; `unknown` passes */
export function assertLocalFilesystem({ type, point, source, verdict }: FilesystemReport): void {
  if (verdict !== 'network') return
  const place = point === null ? '' : `, mounted at ${point}${source ? ` from ${source}` : ''}`
  throw new WALError(
    'WAL_NETWORK_FILESYSTEM',
    `the database lies on a network file system (${type}${place}): a write-ahead log needs memory that every ` +
      'process with the database open shares, and processes on two machines share none, so commits would be lost. ' +
      "Put the file on a local disk, or set filesystem: 'any' if only processes of this one machine ever open it",
  )
}

/** What the disk of a file has free for this process, and holds in all; `null` when it cannot be told. */
export async function diskRoom(
  path: string,
): Promise<{ readonly freeBytes: number; readonly totalBytes: number } | null> {
  try {
    const { bavail, blocks, bsize, frsize } = await statfs(path)
    // Blocks are counted in fragments where the two differ; an older Node does not tell the fragment.
    const blockBytes = frsize || bsize
    return { freeBytes: bavail * blockBytes, totalBytes: blocks * blockBytes }
  } catch {
    return null
  }
}

/** SQLite puts the log beside the file that a link leads to, so that file's folder counts. */
async function folderOf(path: string, reader: FilesystemReader): Promise<string> {
  try {
    return dirname(await reader.realPath(path))
  } catch {
    // The file is still to be made.
    const folder = dirname(resolve(path))
    return reader.realPath(folder).catch(() => folder)
  }
}

function namesIn(...lines: readonly string[]): ReadonlySet<string> {
  return new Set(lines.join(' ').split(' '))
}
