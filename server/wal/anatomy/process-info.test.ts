import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { parseProcessStat, readProcess } from './process-info.ts'

const skip = process.platform === 'linux' ? false : 'there is no /proc'

/** A program that runs until it is killed. */
const IDLE = 'setInterval(() => undefined, 60_000); console.log(1)'

async function startIdle(
  t: it.TestContext,
  argument: string,
): Promise<{ readonly pid: number; readonly kill: () => Promise<void> }> {
  const child = spawn(process.execPath, ['-e', IDLE, argument], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const exited = once(child, 'exit')
  const kill = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await exited
  }
  t.after(kill)
  await once(child.stdout, 'data')
  return { pid: child.pid!, kill }
}

describe('readProcess', { skip }, () => {
  it('gives the command line and the start of a process', () => {
    const info = readProcess(process.pid)!
    assert.equal(info.pid, process.pid)
    assert.ok(info.command.startsWith(process.argv0), info.command)
    // The system counts from its own start, which it gives in whole seconds.
    const differenceMs = Math.abs(info.startedAtMs! - performance.timeOrigin)
    assert.ok(differenceMs < 3000, `${differenceMs} ms`)
  })

  it('joins arguments by spaces, and keeps what is not text out of it', async (t) => {
    const { pid } = await startIdle(t, 'a\u001B[31mb\nc')
    assert.ok(readProcess(pid)!.command.endsWith(`-e ${IDLE} a [31mb c`))
  })

  it('cuts a long command line', async (t) => {
    const { pid } = await startIdle(t, 'x'.repeat(1000))
    assert.equal(readProcess(pid)!.command.length, 200)
  })

  it('is null when the process is gone', async (t) => {
    const { pid, kill } = await startIdle(t, 'x')
    assert.notEqual(readProcess(pid), null)
    await kill()
    assert.equal(readProcess(pid), null)
  })

  it('takes the name of what has no command line', (t) => {
    const kernel = readProcess(2)
    if (kernel === null) return t.skip('no thread of the kernel is visible here')
    assert.equal(kernel.command, 'kthreadd')
  })
})

describe('the stat of a process', () => {
  const rest = 'S 1 71 71 0 -1 4194560 100 0 0 0 5 3 0 0 20 0 11 0 987654 1000000 500'
  const names = ['node', 'a b', 'evil) R 1 (x', '((', '']
  for (const name of names) {
    it(`is understood when the name is “${name}”`, () => {
      assert.deepEqual(parseProcessStat(`71 (${name}) ${rest}\n`), { name, startTicks: 987_654 })
    })
  }

  it('has no start when it is cut', () => {
    assert.deepEqual(parseProcessStat('71 (node) S 1'), { name: 'node', startTicks: null })
  })
})
