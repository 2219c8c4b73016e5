import { readFileSync } from 'node:fs'

export interface ProcessInfo {
  readonly pid: number
  /** Its command line, or its name when it has none; at most 200 characters. */
  readonly command: string
  /** Epoch ms; `null` when it cannot be told. */
  readonly startedAtMs: number | null
}

const MAX_COMMAND_LENGTH = 200
/** Of the clock that `/proc` counts in; the same on every Linux that Node.js runs on. */
const TICK_MS = 10

/** When the machine started; as good as its clock was then. Reading it takes a while where there are many processors. */
let bootedAtMs: number | null | undefined

/** What the system says about a process; `null` when it is gone or cannot be seen. */
export function readProcess(pid: number): ProcessInfo | null {
  const stat = readProc(`${pid}/stat`)
  if (stat === null) return null
  const { name, startTicks } = parseProcessStat(stat)
  const line = (readProc(`${pid}/cmdline`) ?? '').replaceAll('\0', ' ').trim()
  bootedAtMs ??= readBootTime()
  return {
    pid,
    command: plain(line === '' ? name : line).slice(0, MAX_COMMAND_LENGTH),
    startedAtMs:
      startTicks === null || bootedAtMs === null ? null : bootedAtMs + startTicks * TICK_MS,
  }
}

/** Name and start of a process by the text of its `stat`. The name is in parentheses, and may contain any itself. */
export function parseProcessStat(text: string): {
  readonly name: string
  readonly startTicks: number | null
} {
  const endOfName = text.lastIndexOf(')')
  const name = text.slice(text.indexOf('(') + 1, endOfName)
  // The third field is the first one after the name; the start is the 22nd.
  const startTicks = Number(text.slice(endOfName + 2).split(' ')[22 - 3])
  return { name, startTicks: Number.isFinite(startTicks) ? startTicks : null }
}

/** Whoever names a process must not be able to colour our log. */
const plain = (text: string): string => text.replaceAll(/\p{Cc}+/gu, ' ')

function readBootTime(): number | null {
  const match = /^btime (\d+)$/m.exec(readProc('stat') ?? '')
  return match === null ? null : Number(match[1]) * 1000
}

function readProc(file: string): string | null {
  try {
    return readFileSync(`/proc/${file}`, 'utf8')
  } catch {
    return null
  }
}
