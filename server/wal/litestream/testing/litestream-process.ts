import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

interface Cleanup {
  after(fn: () => unknown): void
}

/** A real Litestream that replicates one database into a folder beside it. */
export interface LitestreamProcess {
  readonly pid: number
  /** Where its metrics are, on a port that the system chose. */
  metricsUrl(): Promise<string>
  /** Ends it as an operator would: it copies what is left first. */
  end(): Promise<void>
  /** Writes the copy to another file. */
  restore(to: string): Promise<void>
}

/**
 * The program, or why there is none. The package has one for each platform; `GLASSPOOL_LITESTREAM` names another,
 * for instance a newer one. Not the command of `@flydotio/litestream`: it starts the program as a child, which
 * stays when the command is ended.
 */
export function findLitestreamProgram(): { readonly path: string } | { readonly missing: string } {
  if (process.platform !== 'linux') return { missing: 'its port is found by /proc' }
  const given = process.env['GLASSPOOL_LITESTREAM']
  if (given !== undefined) return { path: given }
  const name = `@flydotio/litestream-linux-${process.arch}`
  try {
    const path = fileURLToPath(import.meta.resolve(`${name}/litestream`))
    return existsSync(path) ? { path } : { missing: `${name} is not installed` }
  } catch {
    return { missing: `${name} is not installed` }
  }
}

/**
 * What starts one. Ask for it before the folder of the database is made: clean-up runs in that order, and a folder in
 * which Litestream still writes cannot be removed; the test would then fail to end it, and wait for it for ever.
 *
 * It checkpoints ten times as often as by default, and blocks writers for it at 1000 pages: a test sees several in
 * little time.
 */
export function litestreamStarter(
  t: Cleanup,
  program: string,
): (database: string) => LitestreamProcess {
  const children: ChildProcess[] = []
  t.after(() => Promise.all(children.map(kill)))
  const launch = (args: readonly string[]): ChildProcess => {
    const child = spawn(program, args, { stdio: 'ignore' })
    children.push(child)
    return child
  }
  return (database) => start(launch, database)
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

function start(
  launch: (args: readonly string[]) => ChildProcess,
  database: string,
): LitestreamProcess {
  const config = join(dirname(database), 'litestream.yml')
  const replica = join(dirname(database), 'replica')
  const text = `addr: "127.0.0.1:0"
dbs:
  - path: ${database}
    monitor-interval: 100ms
    checkpoint-interval: 1s
    min-checkpoint-page-count: 100
    max-checkpoint-page-count: 1000
    replicas:
      - type: file
        path: ${replica}
        sync-interval: 100ms
`
  writeFileSync(config, text)
  const child = launch(['replicate', '-config', config])
  const pid = child.pid!
  return {
    pid,
    async metricsUrl() {
      let port: number | null = null
      while (port === null) {
        if (child.exitCode !== null) throw new Error(`Litestream ended with ${child.exitCode}`)
        port = await listeningPort(pid)
      }
      return `http://127.0.0.1:${port}`
    },
    async end() {
      child.kill('SIGTERM')
      if (child.exitCode === null) await once(child, 'exit')
    },
    async restore(to) {
      const restoring = launch(['restore', '-config', config, '-o', to, database])
      const [code] = (await once(restoring, 'exit')) as [number | null]
      if (code !== 0) throw new Error(`litestream restore ended with ${code}`)
    },
  }
}

/** It does not say which port it was given. */
async function listeningPort(pid: number): Promise<number | null> {
  const folder = `/proc/${pid}/fd`
  const names = await readdir(folder).catch((): string[] => [])
  const links = await Promise.all(names.map((name) => readlink(join(folder, name)).catch(() => '')))
  const table = await readFile('/proc/net/tcp', 'utf8')
  for (const line of table.split('\n').slice(1)) {
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/)
    const isListening = state === '0A'
    if (isListening && links.includes(`socket:[${inode}]`)) {
      return Number.parseInt(local.split(':')[1]!, 16)
    }
  }
  return null
}
