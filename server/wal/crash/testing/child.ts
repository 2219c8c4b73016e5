import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

interface Cleanup {
  after(fn: () => void | Promise<void>): void
}

/** A process of ours that talks in lines: a word, then what belongs to it. */
export interface Child {
  readonly pid: number
  /** Everything it has said so far. */
  readonly lines: readonly string[]
  /** What followed `word` in the next line that begins with it. Rejects when there is none and never will be. */
  heard(word: string): Promise<string>
  say(message: unknown): void
  /** SIGKILL; resolves when it is gone and every line of it has been read. */
  kill(): Promise<void>
  /** Resolves when it is gone and every line of it has been read. */
  readonly gone: Promise<void>
}

export interface StartOptions {
  /** What runs the program instead of `node` alone, such as a tracer. */
  readonly under?: readonly string[]
}

/** Starts a program of this folder with one argument, and kills it at the end of the test. */
export function startChild(
  t: Cleanup,
  program: string,
  argument: unknown,
  { under = [] }: StartOptions = {},
): Child {
  const script = join(import.meta.dirname, program)
  const [command, ...args] = [...under, process.execPath, script, JSON.stringify(argument)]
  const child = spawn(command!, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: join(import.meta.dirname, '../../../../node_modules/.cache/compile'),
    },
  })
  const lines: string[] = []
  const takenOf = new Map<string, number>()
  let errors = ''
  let isGone = false
  let wake = Promise.withResolvers<void>()
  const changed = (): void => {
    wake.resolve()
    wake = Promise.withResolvers<void>()
  }
  child.stderr.on('data', (chunk: Buffer) => void (errors += chunk.toString()))
  // Whoever was killed does not read what was said to it.
  child.stdin.on('error', () => undefined)
  const output = createInterface({ input: child.stdout })
  output.on('line', (line) => {
    lines.push(line)
    changed()
  })
  const gone = Promise.all([once(child, 'close'), once(output, 'close')]).then(() => {
    isGone = true
    changed()
  })
  const kill = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await gone
  }
  t.after(kill)

  async function heard(word: string): Promise<string> {
    for (;;) {
      const from = takenOf.get(word) ?? 0
      const index = lines.findIndex((line, i) => i >= from && line.split(' ', 1)[0] === word)
      if (index !== -1) {
        takenOf.set(word, index + 1)
        return lines[index]!.slice(word.length + 1)
      }
      if (isGone) throw new Error(`${program} ended without "${word}":\n${errors}`)
      await wake.promise
    }
  }

  return {
    pid: child.pid!,
    lines,
    heard,
    say: (message) => void child.stdin.write(`${JSON.stringify(message)}\n`),
    kill,
    gone,
  }
}
