// `npm run bench -- <name> [--json] [--minutes N]`: measures, and prints a table or one JSON document.
import { parseArgs } from 'node:util'
import { formatAcquire, measureAcquire } from './acquire.ts'
import { formatThreads, measureThreads } from './threads.ts'
import { benchEndurance } from './wal-minutes.ts'
import { benchWAL } from './wal.ts'

const EXIT_USAGE = 64

/** By name; each resolves to its report and the table of it. */
const benches: Readonly<
  Record<string, (minutes: number | null) => Promise<{ report: object; table: string }>>
> = {
  async acquire() {
    const report = await measureAcquire()
    return { report, table: formatAcquire(report) }
  },
  async threads() {
    const report = await measureThreads()
    return { report, table: formatThreads(report) }
  },
  wal: (minutes) => (minutes === null ? benchWAL() : benchEndurance(minutes)),
}

const usage = `npm run bench -- <${Object.keys(benches).join('|')}> [--json], wal also [--minutes N]`

async function main(): Promise<number> {
  const given = readArguments()
  const bench = given === null ? undefined : benches[given.name]
  if (given === null || bench === undefined) {
    console.error(usage)
    return EXIT_USAGE
  }
  const { report, table } = await bench(given.minutes)
  process.stdout.write(given.isJson ? `${JSON.stringify(report, null, 2)}\n` : table)
  return 0
}

interface Given {
  readonly name: string
  readonly isJson: boolean
  readonly minutes: number | null
}

function readArguments(): Given | null {
  try {
    const { values, positionals } = parseArgs({
      options: { json: { type: 'boolean', default: false }, minutes: { type: 'string' } },
      allowPositionals: true,
    })
    const [name] = positionals
    const isKnown = name !== undefined && positionals.length === 1 && Object.hasOwn(benches, name)
    const minutes = values.minutes === undefined ? null : Number(values.minutes)
    const isRight = minutes === null || (name === 'wal' && minutes > 0 && minutes < Infinity)
    return isKnown && isRight ? { name, isJson: values.json, minutes } : null
  } catch {
    return null
  }
}

process.exitCode = await main()
