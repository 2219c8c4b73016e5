/** One line of `/proc/self/mountinfo`. */
export interface Mount {
  /** Where it is mounted, an absolute path. */
  readonly point: string
  /** As the kernel names it, for instance `ext4` or `fuse.sshfs`. */
  readonly type: string
  /** What is mounted, for instance `/dev/sda1` or `server:/export`. */
  readonly source: string
}

/** Mounts in the order in which the kernel lists them. Lines of another form are left out. */
export function parseMountInfo(text: string): Mount[] {
  const mounts: Mount[] = []
  for (const line of text.split('\n')) {
    const fields = line.split(' ')
    // Between the fixed fields and the type there are as many optional ones as the kernel likes.
    const dash = fields.indexOf('-', 6)
    const [point, type, source = ''] = [fields[4], fields[dash + 1], fields[dash + 2]]
    if (dash < 0 || point === undefined || type === undefined || type === '') continue
    mounts.push({ point: unescape(point), type: unescape(type), source: unescape(source) })
  }
  return mounts
}

/**
 * The mount on which an absolute path lies: the longest mount point that is a prefix of it in whole
 * components. Of several mounts on one point the last covers the others.
 */
export function mountOf(path: string, mounts: readonly Mount[]): Mount | null {
  let found: Mount | null = null
  for (const mount of mounts) {
    if (!isWithin(path, mount.point)) continue
    if (found === null || mount.point.length >= found.point.length) found = mount
  }
  return found
}

function isWithin(path: string, point: string): boolean {
  if (path === point) return true
  return path.startsWith(point.endsWith('/') ? point : `${point}/`)
}

/** The kernel writes space, tab, newline and backslash as octal bytes; every other byte is as it is. */
const unescape = (field: string): string =>
  field.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCodePoint(Number.parseInt(octal, 8)),
  )
