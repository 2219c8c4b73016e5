import { stat } from 'node:fs/promises'

/** Which file a path led to: the device and the inode, whole (an inode may exceed 2⁵³). */
export interface FileIdentity {
  readonly device: bigint
  readonly inode: bigint
}

/**
 * Which file is at `path` now, or `null` when there is none. By `stat` alone: opening the database in a
 * process that has it open would drop SQLite's locks.
 */
export async function identifyFile(path: string): Promise<FileIdentity | null> {
  try {
    const { dev, ino } = await stat(path, { bigint: true })
    return { device: dev, inode: ino }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** Whether both are the same existing file. A file that was replaced or deleted is not. */
export function isSameFile(a: FileIdentity | null, b: FileIdentity | null): boolean {
  return a !== null && b !== null && a.device === b.device && a.inode === b.inode
}
