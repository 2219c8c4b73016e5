/** What the kernel was asked to do with one of the two files. Repetitions in a row are one. */
export type FileCall =
  | 'write log'
  | 'write log header'
  | 'sync log'
  | 'truncate log'
  | 'write database'
  | 'truncate database'
  | 'sync database'

export interface Step {
  readonly name: string
  readonly calls: readonly FileCall[]
}

/** For `strace`. What it writes with them is what `parseTrace` reads. */
export function traceArguments(outputPath: string): string[] {
  const calls = 'trace=fdatasync,fsync,pwrite64,write,ftruncate'
  return ['-f', '-yy', '-s', '64', '-e', calls, '-e', 'signal=none', '-o', outputPath]
}

/** A file may be a pipe, with `->` in its name. */
const LINE =
  /^(\d+) +(\w+)\(\d+<(.*?)>(?=[,)]| <unfinished)(?:, "((?:[^"\\]|\\.)*)"\.*)?(?:, (\d+))?(?:, (\d+))?/
const RESUMED = /^(\d+) +<\.\.\. (\w+) resumed>/

/** The calls between `begins NAME` and `ended NAME` that the traced program wrote to its output. */
export function parseTrace(trace: string, databasePath: string): Step[] {
  const steps: Step[] = []
  const unfinished = new Map<string, FileCall>()
  let open: { name: string; calls: FileCall[] } | null = null
  const add = (call: FileCall): void => {
    if (open !== null && open.calls.at(-1) !== call) open.calls.push(call)
  }
  for (const line of trace.split('\n')) {
    const resumed = RESUMED.exec(line)
    if (resumed !== null) {
      const [, thread] = resumed
      const call = unfinished.get(thread!)
      unfinished.delete(thread!)
      if (call !== undefined) add(call)
      continue
    }
    const match = LINE.exec(line)
    if (match === null) continue
    const [, thread, name, file, text] = match
    const marker = name === 'write' ? /^(begins|ended) (.*)\\n$/.exec(text ?? '') : null
    if (marker !== null) {
      const [, word, stepName] = marker
      if (word === 'begins') open = { name: stepName!, calls: [] }
      else if (open !== null) {
        steps.push(open)
        open = null
      }
      continue
    }
    const call = callOf({ name: name!, file: file!, offset: match[6] }, databasePath)
    if (call === null) continue
    // A sync counts when it is done, anything else from when it may have begun.
    if (line.endsWith('<unfinished ...>') && call.startsWith('sync')) unfinished.set(thread!, call)
    else add(call)
  }
  return steps
}

function callOf(
  call: { readonly name: string; readonly file: string; readonly offset: string | undefined },
  databasePath: string,
): FileCall | null {
  const file =
    call.file === databasePath ? 'database' : call.file === `${databasePath}-wal` ? 'log' : null
  if (file === null) return null
  if (call.name === 'fsync' || call.name === 'fdatasync') return `sync ${file}`
  if (call.name === 'ftruncate') return `truncate ${file}`
  return file === 'log' && call.offset === '0' ? 'write log header' : `write ${file}`
}
