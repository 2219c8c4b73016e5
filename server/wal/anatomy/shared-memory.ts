import { closeSync, openSync, readFileSync, readSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { deviceName } from './device.ts'
import { parseWALIndex, WAL_INDEX_BYTES } from './wal-index.ts'
import type { WALIndex } from './wal-index.ts'

/** A file as the system knows it. */
export interface FileIdentity {
  /** Without symbolic links. */
  readonly path: string
  readonly inode: bigint
  /** As `stat` says it. */
  readonly device: bigint
}

/** As `readSync`. */
type ReadBytes = (
  fd: number,
  buffer: Buffer,
  offset: number,
  length: number,
  position: number,
) => number

/** A writer publishes its header in nanoseconds: whoever meets it twice has met something else. */
const MAX_ATTEMPTS = 5

/**
 * The wal-index of one database, read where SQLite has mapped it in this process: through `/proc/self/mem`, at the
 * address that `/proc/self/maps` gives. About 4 µs once the address is known.
 *
 * The `-shm` file itself is never opened: closing it would drop every lock that SQLite holds on it in this process, and
 * another process would then write at the same time. That was measured: lost rows, a corrupt file, and crashes.
 *
 * Where there is no `/proc` all answers are `null`, and cost nothing.
 */
export class SharedMemory {
  readonly #path: string
  readonly #readBytes: ReadBytes
  readonly #bytes = Buffer.alloc(WAL_INDEX_BYTES)
  /** Of `/proc/self/mem`; `undefined`: not tried yet, `null`: there is none. */
  #memory: number | null | undefined
  #address: number | null = null

  /** `readBytes` is for tests: what a reading meets. */
  constructor(path: string, readBytes: ReadBytes = readSync) {
    this.#path = path
    this.#readBytes = readBytes
  }

  /** Whether the platform lets us look; a database that nobody has opened yet is no reason. */
  get isAvailable(): boolean {
    return this.#open() !== null
  }

  /** `null` when no connection of this process has the log open, or nothing there can be trusted. */
  read(): WALIndex | null {
    if (this.#open() === null) return null
    return this.#readIndex() ?? (this.find() === null ? null : this.#readIndex())
  }

  /**
   * Looks again where the file is mapped, about 0.1 ms: an address that was unmapped can have been given to the log of another
   * database, which looks just as well. Answers which file it is; `null` when it is not mapped.
   */
  find(): FileIdentity | null {
    this.#address = null
    if (this.#open() === null) return null
    const file = identify(this.#path)
    if (file === null) return null
    this.#address = findMapping(readMaps(), file)
    return this.#address === null ? null : file
  }

  /** Idempotent. All answers are `null` from now on. */
  close(): void {
    if (typeof this.#memory === 'number') closeSync(this.#memory)
    this.#memory = null
    this.#address = null
  }

  #open(): number | null {
    if (this.#memory === undefined) this.#memory = openMemory()
    return this.#memory
  }

  #readIndex(): WALIndex | null {
    if (this.#address === null) return null
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      if (!this.#copyBytes(this.#address)) return null
      const index = parseWALIndex(this.#bytes)
      if (index !== null) return index
    }
    return null
  }

  /** False when nothing is mapped there any more. */
  #copyBytes(address: number): boolean {
    try {
      const count = this.#readBytes(this.#memory!, this.#bytes, 0, WAL_INDEX_BYTES, address)
      return count === WAL_INDEX_BYTES
    } catch {
      return false
    }
  }
}

/** The address at which the beginning of the file is mapped, by the text of `/proc/PID/maps`; `null` when it is not. */
export function findMapping(maps: string, file: FileIdentity): number | null {
  const found: { readonly address: number; readonly device: string }[] = []
  // Only a line break is escaped in a path. One that was deleted has ` (deleted)` behind it.
  const ending = ` ${file.path.replaceAll('\n', String.raw`\012`)}`
  for (const line of maps.split('\n')) {
    if (!line.endsWith(ending)) continue
    const match = /^([\da-f]+)-[\da-f]+ r\S+ 0+ (\S+) (\d+) +(\/.*)$/.exec(line)
    if (match === null || ` ${match[4]}` !== ending || BigInt(match[3]!) !== file.inode) continue
    found.push({ address: Number.parseInt(match[1]!, 16), device: match[2]! })
  }
  // On overlay and btrfs `stat` can name another device than the kernel prints.
  const device = deviceName(file.device)
  return (found.find((mapping) => mapping.device === device) ?? found[0])?.address ?? null
}

/** Which file `<path>-shm` is now; `null` when there is none. Only names are looked up, nothing is opened. */
function identify(path: string): FileIdentity | null {
  try {
    // SQLite names it after what a symbolic link points to.
    const database = realpathSync(path)
    const shared = join(dirname(database), `${basename(database)}-shm`)
    const { ino, dev } = statSync(shared, { bigint: true })
    return { path: shared, inode: ino, device: dev }
  } catch {
    return null
  }
}

function openMemory(): number | null {
  if (process.platform !== 'linux') return null
  try {
    return openSync('/proc/self/mem', 'r')
  } catch {
    return null
  }
}

function readMaps(): string {
  try {
    return readFileSync('/proc/self/maps', 'utf8')
  } catch {
    return ''
  }
}
