// `npm run bench -- <name> [--json]`: measures, and prints a table or one JSON document.
import { parseArgs } from 'node:util'
import { formatAcquire, measureAcquire } from './acquire.ts'
import { formatThreads, measureThreads } from './threads.ts'

const EXIT_USAGE = 64

/** By name; each resolves to its report and the table of it. */
const benches: Readonly<Record<string, () => Promise<{ report: object; table: string }>>> = {
  async acquire() {
    const report = await measureAcquire()
    return { report, table: formatAcquire(report) }
  },
  async threads() {
    const report = await measureThreads()
    return { report, table: formatThreads(report) }
  },
}

const usage = `npm run bench -- <${Object.keys(benches).join('|')}> [--json]`

async function main(): Promise<number> {
  const given = readArguments()
  const bench = given === null ? undefined : benches[given.name]
  if (given === null || bench === undefined) {
    console.error(usage)
    return EXIT_USAGE
  }
  const { report, table } = await bench()
  process.stdout.write(given.isJson ? `${JSON.stringify(report, null, 2)}\n` : table)
  return 0
}

function readArguments(): { readonly name: string; readonly isJson: boolean } | null {
  try {
    const { values, positionals } = parseArgs({
      options: { json: { type: 'boolean', default: false } },
      allowPositionals: true,
    })
    const [name] = positionals
    const isKnown = name !== undefined && positionals.length === 1 && Object.hasOwn(benches, name)
    return isKnown ? { name, isJson: values.json } : null
  } catch {
    return null
  }
}

process.exitCode = await main()
