import { spawnSync } from 'node:child_process'
import { statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'

/** `f_type` of a file system that has nowhere else to keep its files. */
const TMPFS_MAGIC = 0x01021994
/** The system may be at work on a page, and keeps it then. */
const MOST_TRIES = 100

/** Why it cannot be told what of a file is in memory; `false` when it can. */
export function whyNoPageCache(): string | false {
  if (process.platform !== 'linux') return 'what of a file is in memory only Linux shows'
  if (statfsSync(tmpdir()).type === TMPFS_MAGIC) return 'the temporary directory is in memory'
  const isThere = (command: string): boolean =>
    spawnSync(command, ['--version']).error === undefined
  return isThere('fincore') && isThere('dd') ? false : 'fincore or dd is not installed'
}

/** How many bytes of the file are in memory. The file is opened by another process. */
export function bytesInMemory(path: string): number {
  return Number(run('fincore', ['--bytes', '--noheadings', '--output', 'RES', path]))
}

/** As when memory was needed for something else: what is not yet on the disk is written first. */
export function putOutOfMemory(path: string): void {
  for (let i = 0; i < MOST_TRIES && bytesInMemory(path) > 0; i += 1) {
    run('sync', [path])
    run('dd', [`if=${path}`, 'iflag=nocache', 'count=0', 'status=none'])
  }
}

function run(command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ended with ${String(status)}: ${stderr}`)
  return stdout
}
