import { parseArgs } from 'node:util'
import { nearestName } from '../nearest-name.ts'
import { parseDuration } from './duration.ts'
import { parseMix, type Mix } from './mix.ts'

/** What the command line asks for, checked. */
export interface LoadOptions {
  readonly url: URL
  readonly durationMs: number
  readonly concurrency: number
  /** `null`: a caller sends its next request as soon as it has the answer. */
  readonly requestsPerSecond: number | null
  readonly mix: Mix
  readonly seed: number
  readonly isJson: boolean
}

/** The command line cannot be used. `main.ts` exits with 64. */
export class FlagError extends Error {
  override readonly name = 'FlagError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

const DAY_MS = 86_400_000

interface Flag {
  /** What stands for its value in the help; a flag without one is on or off. */
  readonly value?: string
  readonly default?: string
  readonly text: string
}

const flags: Readonly<Record<string, Flag>> = {
  url: { value: 'URL', default: 'http://127.0.0.1:3000', text: 'the server to drive' },
  duration: { value: 'TIME', default: '60s', text: 'how long: 500ms, 60s, 5m, 1h' },
  concurrency: { value: 'N', default: '10', text: 'requests under way at once, at most' },
  rate: { value: 'N', text: 'requests a second; without it, as fast as answers come' },
  mix: {
    value: 'MIX',
    default: 'mixed',
    text: 'reads:writes:heavy as weights, or mixed (80:17:3), reads, writes, heavy',
  },
  seed: { value: 'N', text: 'draws the same choices again; random without it' },
  json: { text: 'print the summary as one JSON document' },
  help: { text: 'print this' },
}

export const helpText = `Drives the products API of a running server, so that there is something to watch.

  npm run load -- [flags]

${Object.entries(flags)
  .map(([name, { value, default: given, text }]) => {
    const head = `--${name}${value === undefined ? '' : ` ${value}`}`
    return `  ${head.padEnd(17)} ${text}${given === undefined ? '' : ` (${given})`}`
  })
  .join('\n')}

Ctrl-C ends early, with the summary; a second one at once. What it creates it deletes again.
Exit codes: 0 done, 64 a wrong flag, 69 the server cannot be reached.
`

/**
 * Reads the command line.
 * @throws {FlagError} with all problems at once.
 */
export function readFlags(args: readonly string[], randomSeed: () => number): LoadOptions | 'help' {
  const { given, problems } = collect(args)
  if (problems.length === 0 && given.has('help')) return 'help'
  const read = <T>(name: string, fallback: T, allowed: string, parse: (text: string) => T | null) =>
    readOne(name, given, problems, { fallback, allowed, parse })

  const options: LoadOptions = {
    url: read('url', new URL('http://unused'), 'an address like http://127.0.0.1:3000', parseUrl),
    durationMs: read('duration', 0, 'a time from 100ms to 24h, like 60s or 5m', (text) => {
      const durationMs = parseDuration(text)
      return durationMs !== null && durationMs >= 100 && durationMs <= DAY_MS ? durationMs : null
    }),
    concurrency: read('concurrency', 0, 'a whole number from 1 to 10000', wholeNumber(1, 10_000)),
    requestsPerSecond: read<number | null>(
      'rate',
      null,
      'a whole number from 1 to 1000000',
      wholeNumber(1, 1_000_000),
    ),
    mix: read(
      'mix',
      { reads: 1, writes: 0, heavy: 0 },
      'three weights like 80:17:3, or one of mixed, reads, writes, heavy',
      parseMix,
    ),
    seed: read('seed', -1, 'a whole number from 0 to 4294967295', wholeNumber(0, 2 ** 32 - 1)),
    isJson: given.has('json'),
  }
  if (problems.length > 0) throw new FlagError(problems)
  return options.seed === -1 ? { ...options, seed: randomSeed() } : options
}

interface Collected {
  /** By name; of a flag that is given twice the last one. */
  readonly given: ReadonlyMap<string, string>
  readonly problems: string[]
}

function collect(args: readonly string[]): Collected {
  const given = new Map<string, string>()
  const problems: string[] = []
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      Object.entries(flags).map(([name, flag]) => [
        name,
        { type: flag.value === undefined ? ('boolean' as const) : ('string' as const) },
      ]),
    ),
    allowPositionals: true,
    strict: false,
    tokens: true,
  })
  let isAfterUnknown = false
  for (const token of tokens) {
    if (token.kind === 'positional' && !isAfterUnknown) {
      problems.push(`${JSON.stringify(token.value)} is not a flag`)
    }
    isAfterUnknown = false
    if (token.kind !== 'option') continue
    const problem = judge(token)
    if (problem === null) given.set(token.name, token.value ?? '')
    else problems.push(problem)
    // Whatever follows a flag that nobody knows may be its value.
    isAfterUnknown = !Object.hasOwn(flags, token.name)
  }
  return { given, problems }
}

function judge(token: {
  readonly name: string
  readonly rawName: string
  readonly value: string | undefined
}): string | null {
  const flag = Object.hasOwn(flags, token.name) ? flags[token.name] : undefined
  if (flag === undefined) {
    const nearest = nearestName(token.name, Object.keys(flags))
    const hint = nearest === null ? '' : `; did you mean --${nearest}?`
    return `${token.rawName} is not a flag${hint}`
  }
  if (flag.value === undefined && token.value !== undefined) return `--${token.name} takes no value`
  if (flag.value !== undefined && token.value === undefined) return `--${token.name} needs a value`
  return null
}

function readOne<T>(
  name: string,
  given: ReadonlyMap<string, string>,
  problems: string[],
  how: {
    readonly fallback: T
    readonly allowed: string
    readonly parse: (text: string) => T | null
  },
): T {
  const text = given.get(name) ?? flags[name]!.default
  if (text === undefined) return how.fallback
  const value = how.parse(text)
  if (value !== null) return value
  problems.push(`--${name} is ${JSON.stringify(text)}: it must be ${how.allowed}`)
  return how.fallback
}

const wholeNumber =
  (low: number, high: number) =>
  (text: string): number | null => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
    return value >= low && value <= high ? value : null
  }

/** Plain HTTP addresses; a path is kept, for a server behind a prefix. */
function parseUrl(text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return null
  if (url.username !== '' || url.search !== '' || url.hash !== '') return null
  return url
}
