import './runtime.ts'
import { existsSync } from 'node:fs'
import { loadEnvFile } from 'node:process'
import { startTelemetry, type Telemetry } from '../telemetry/sdk.ts'
import { ConfigError, readConfig, type Config } from './config.ts'
import { EXIT, StartError } from './exit-code.ts'
import { LateLog } from './late-log.ts'
import type { RunningServer } from './serve.ts'

/**
 * The process: settings, telemetry, then everything else, and its end by a signal. The only file that reads
 * the environment, writes to the terminal, and exits.
 */

/** After something unexpected only a short, clean end is tried. */
const CRASH_BUDGET_MS = 3000

// A database and the key of its sessions are nobody else's to read.
process.umask(0o077)

const config = readSettings()
const log = new LateLog()
const telemetry = await startTelemetry(process.env, log)
const server = await start(config, telemetry)
let isEnding = false

for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const) {
  process.on(signal, () => {
    if (isEnding) endAtOnce(128 + number)
    else void end(EXIT.clean, config.shutdownTimeoutMs)
  })
}
process.on('uncaughtException', crash)
process.on('unhandledRejection', crash)

process.stdout.write(`${server.announcement}\n`)

function readSettings(): Config {
  if (existsSync('.env')) loadEnvFile('.env')
  try {
    return readConfig(process.env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(EXIT.badConfiguration)
  }
}

async function start(given: Config, sdk: Telemetry | null): Promise<RunningServer> {
  try {
    // Loaded only now: the SDK must be there before Fastify is.
    const { serve } = await import('./serve.ts')
    return await serve(given, { telemetry: sdk, log })
  } catch (error) {
    await sdk?.shutdown()
    if (!(error instanceof StartError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(error.exitCode)
  }
}

async function end(exitCode: number, budgetMs: number): Promise<void> {
  isEnding = true
  // A statement inside SQLite cannot be interrupted, and even exit() waits for it.
  setTimeout(() => killSelf('the shutdown took too long'), budgetMs).unref()
  try {
    await server.stop(budgetMs)
  } catch (error) {
    log.error({ err: error }, 'the shutdown was not clean')
    endAtOnce(EXIT.fatal)
  }
  process.exit(exitCode)
}

function crash(error: unknown): void {
  log.error({ err: error }, 'something unexpected happened')
  if (!isEnding) void end(EXIT.fatal, CRASH_BUDGET_MS)
}

/** By exit when that can be had, and otherwise by force. */
function endAtOnce(exitCode: number): void {
  if (server.isInStatement()) killSelf('a statement is still running')
  process.exit(exitCode)
}

function killSelf(reason: string): void {
  process.stderr.write(`${reason}; ending by force\n`)
  process.kill(process.pid, 'SIGKILL')
}
