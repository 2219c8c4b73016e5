import { fdatasync, fstatSync, readdirSync, statSync } from 'node:fs'
import { promisify } from 'node:util'

const sync = promisify(fdatasync)

/**
 * Has the system write to the disk what it still holds of the database file; `false` where that cannot be asked for.
 *
 * A checkpoint does it itself, but only in the pass that catches up with the writer, and under load that is the last one,
 * for which writers wait. What was copied before is on the disk by then, and they wait for the rest alone.
 *
 * The file is not opened: closing it would drop SQLite's locks. SQLite's own descriptor is found among those of this
 * process, and asked for nothing but this. Should it be another file's by then, that one is synced, which harms nobody.
 */
export async function syncDatabase(path: string): Promise<boolean> {
  const descriptor = findDescriptor(path)
  if (descriptor === null) return false
  try {
    await sync(descriptor)
    return true
  } catch {
    return false
  }
}

function findDescriptor(path: string): number | null {
  if (process.platform !== 'linux') return null
  try {
    const file = statSync(path)
    return (
      readdirSync('/proc/self/fd')
        .map(Number)
        .find((descriptor) => isFile(descriptor, file)) ?? null
    )
  } catch {
    return null
  }
}

function isFile(descriptor: number, file: { readonly dev: number; readonly ino: number }): boolean {
  try {
    const { dev, ino } = fstatSync(descriptor)
    return dev === file.dev && ino === file.ino
  } catch {
    // Closed since it was listed: the one of the listing itself, for instance.
    return false
  }
}
