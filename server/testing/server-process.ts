import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { tempDatabase } from './temp-db.ts'

interface Cleanup {
  after(fn: () => void | Promise<void>): void
}

export interface ServerExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** The real server as a child process on an ephemeral port. */
export interface ServerProcess {
  readonly pid: number
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  readonly url: string
  readonly port: number
  readonly databasePath: string
  /** The printed link, and the token in its fragment when there is one. */
  readonly link: string
  readonly token: string | null
  /** Everything it has printed so far. */
  output(): string
  kill(signal: NodeJS.Signals): void
  readonly exited: Promise<ServerExit>
}

const main = join(import.meta.dirname, '..', 'main.ts')

/** Nothing of ours but PATH, and what makes a start fast: many tests start many servers. */
const BASE_ENV = {
  PATH: process.env['PATH'],
  NODE_COMPILE_CACHE: join(import.meta.dirname, '../../node_modules/.cache/compile'),
}

/** Starts `server/main.ts` with nothing from our environment but PATH, and waits for its link. */
export async function startServer(
  t: Cleanup,
  env: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  const databasePath = env['DATABASE_PATH'] ?? tempDatabase(t)
  const child = spawn(process.execPath, [main], {
    cwd: join(databasePath, '..'),
    env: { ...BASE_ENV, PORT: '0', DATABASE_PATH: databasePath, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const exited = once(child, 'exit').then(([code, signal]): ServerExit => ({
    code: code as number,
    signal: signal as NodeJS.Signals,
  }))
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await exited
  })
  const link = await new Promise<URL>((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      output += chunk.toString()
      const match = /^Dashboard: (\S+)/m.exec(output)
      if (match !== null) resolve(new URL(match[1]!))
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.on('error', reject)
    child.on('exit', (code) => {
      reject(
        new Error(`the server ended with ${String(code)} before it printed its link:\n${output}`),
      )
    })
  })
  return {
    pid: child.pid!,
    url: link.origin,
    port: Number(link.port),
    databasePath,
    link: link.href,
    token: new URLSearchParams(link.hash.slice(1)).get('token'),
    output: () => output,
    kill: (signal) => void child.kill(signal),
    exited,
  }
}

/** Starts `server/main.ts` where it is expected to end by itself, and waits until it has. */
export async function runServer(
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawn(process.execPath, [main], {
    cwd,
    env: { ...BASE_ENV, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const hear = (chunk: Buffer): void => void (output += chunk.toString())
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output }
}
