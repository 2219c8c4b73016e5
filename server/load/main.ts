// `npm run load`: drives the products API of a running server.
import { randomInt } from 'node:crypto'
import { loadClock } from './clock.ts'
import { FlagError, helpText, readFlags, type LoadOptions } from './flags.ts'
import { runLoad, UnreachableError } from './run.ts'
import { formatSummary } from './summary.ts'

const EXIT_USAGE = 64
const EXIT_UNREACHABLE = 69
const EXIT_INTERRUPTED = 130

async function main(args: readonly string[]): Promise<number> {
  const options = readFlagsOrNull(args)
  if (options === null) return EXIT_USAGE
  if (options === 'help') {
    process.stdout.write(helpText)
    return 0
  }
  try {
    const summary = await runLoad(options, {
      clock: loadClock,
      signal: interruption(),
      progress: process.stderr,
    })
    process.stdout.write(
      options.isJson ? `${JSON.stringify(summary, null, 2)}\n` : formatSummary(summary),
    )
    return summary.requests === 0 && !summary.isEndedEarly ? EXIT_UNREACHABLE : 0
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error
    console.error(error.message)
    return EXIT_UNREACHABLE
  }
}

function readFlagsOrNull(args: readonly string[]): LoadOptions | 'help' | null {
  try {
    return readFlags(args, () => randomInt(2 ** 32))
  } catch (error) {
    if (!(error instanceof FlagError)) throw error
    console.error(`${error.message}\n\`npm run load -- --help\` lists the flags.`)
    return null
  }
}

/** Aborts at the first Ctrl-C; the second one ends the process, and what was created stays. */
function interruption(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(EXIT_INTERRUPTED)
      controller.abort()
    })
  }
  return controller.signal
}

process.exitCode = await main(process.argv.slice(2))
