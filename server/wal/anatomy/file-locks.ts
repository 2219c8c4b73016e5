import { readFileSync } from 'node:fs'
import { deviceName } from './device.ts'

/** A lock on a range of bytes, which one process holds. */
export interface FileLock {
  readonly firstByte: number
  /** Infinite when it reaches to the end of the file. */
  readonly lastByte: number
  /** `null`: the system does not say who. */
  readonly pid: number | null
  readonly isExclusive: boolean
}

export interface LockedFile {
  readonly inode: bigint
  /** As `stat` says it. */
  readonly device: bigint
}

/** Every connection of a process shares a lock on this byte as long as it has the log open. */
const DEADMAN_BYTE = 128

const ROW =
  /^\d+: (?:POSIX|OFDLCK) +\S+ +(READ|WRITE) +(-?\d+) ([\da-f]+:[\da-f]+):(\d+) (\d+) (\d+|EOF)$/

/** Locks held on this file now, as `/proc/locks` says; [] where there is none. About 50 µs. */
export function readFileLocks(file: LockedFile): FileLock[] {
  let text: string
  try {
    text = readFileSync('/proc/locks', 'latin1')
  } catch {
    return []
  }
  return parseFileLocks(text, file.inode, { device: deviceName(file.device) })
}

/**
 * Locks on one inode in the text of `/proc/locks`; whoever only waits for one is left out.
 *
 * On overlay and btrfs the device printed there is not the one that `stat` names, so that rows are taken by inode. When
 * several devices have that inode, it is the one on which `ownPid` holds the byte that every connection holds; else
 * `device`, printed like `fd:01`.
 */
export function parseFileLocks(
  text: string,
  inode: bigint,
  hints: { readonly ownPid?: number; readonly device?: string } = {},
): FileLock[] {
  const { ownPid = process.pid, device } = hints
  const byDevice = new Map<string, FileLock[]>()
  for (const line of text.split('\n')) {
    const match = ROW.exec(line)
    if (match === null || BigInt(match[4]!) !== inode) continue
    const [, kind, pid, printed, , first, last] = match
    const locks = byDevice.get(printed!) ?? []
    byDevice.set(printed!, locks)
    locks.push({
      firstByte: Number(first),
      lastByte: last === 'EOF' ? Number.POSITIVE_INFINITY : Number(last),
      pid: Number(pid) > 0 ? Number(pid) : null,
      isExclusive: kind === 'WRITE',
    })
  }
  const all = [...byDevice.values()]
  if (all.length <= 1) return all[0] ?? []
  const isOurs = (lock: FileLock): boolean => lock.pid === ownPid && covers(lock, DEADMAN_BYTE)
  return all.find((locks) => locks.some(isOurs)) ?? byDevice.get(device ?? '') ?? []
}

/** Neighbouring bytes that a process has locked alike are one range. */
export function covers(lock: FileLock, byte: number): boolean {
  return lock.firstByte <= byte && byte <= lock.lastByte
}
