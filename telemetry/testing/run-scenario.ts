import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

interface Cleanup {
  after(fn: () => void | Promise<void>): void
}

export interface ScenarioRun {
  readonly code: number | null
  /** What the scenario returned, as JSON brought it here. */
  readonly report: unknown
  /** The server's log, as it were. */
  readonly log: string
}

/** Runs one of `scenarios.ts` to its natural end, with nothing from our environment but PATH. */
export async function runScenario(
  t: Cleanup,
  name: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ScenarioRun> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'scenarios.ts'), name], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(() => void child.kill('SIGKILL'))
  const ended = once(child, 'exit')
  const [report, log] = await Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = (await ended) as [number | null]
  return { code, report: report === '' ? undefined : JSON.parse(report), log }
}
