import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { startSmallShop } from './testing/small-shop.ts'

interface Cleanup {
  after(fn: () => void): void
}

/** The program itself, as a child process. */
function start(t: Cleanup, ...args: readonly string[]) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], {
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()))
  t.after(() => child.kill('SIGKILL'))
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...output }))
  return { child, ended }
}

describe('npm run load', () => {
  it('helps', async (t) => {
    const { code, stdout, stderr } = await start(t, '--help').ended
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /--concurrency N/)
  })

  it('ends with 64 for a wrong flag, and names the right one', async (t) => {
    const { code, stdout, stderr } = await start(t, '--concurency', '5').ended
    assert.deepEqual([code, stdout], [64, ''])
    assert.match(stderr, /^--concurency is not a flag; did you mean --concurrency\?\n/)
  })

  it('ends with 69 and one sentence when nobody answers', async (t) => {
    const { code, stdout, stderr } = await start(t, '--url', 'http://127.0.0.1:1').ended
    assert.deepEqual([code, stdout], [69, ''])
    assert.match(stderr, /^http:\/\/127\.0\.0\.1:1\/ cannot be reached[^\n]*\n$/)
  })

  it('prints one JSON document', async (t) => {
    const shop = await startSmallShop(t)
    const flags = ['--url', shop.url, '--duration', '200ms', '--json', '--seed', '5']
    const { code, stdout } = await start(t, ...flags).ended
    assert.equal(code, 0)
    const summary = JSON.parse(stdout) as Record<string, unknown>
    assert.equal(summary['seed'], 5)
    assert.equal(summary['isEndedEarly'], false)
    assert.ok(Number(summary['requests']) > 0)
  })

  it('ends early at Ctrl-C with the summary, and tidies up', async (t) => {
    const shop = await startSmallShop(t)
    const flags = ['--url', shop.url, '--duration', '1h', '--mix', 'writes']
    const { child, ended } = start(t, ...flags)
    shop.intercept = () => {
      if (shop.requests.length === 100) child.kill('SIGINT')
      return false
    }
    const { code, stdout } = await ended
    assert.equal(code, 0)
    assert.match(stdout, /requests in .*\(ended early\)\n/)
    assert.equal(shop.rows.size, 30)
  })

  it('ends at once at the second Ctrl-C', async (t) => {
    const shop = await startSmallShop(t)
    const { child, ended } = start(t, '--url', shop.url, '--duration', '1h', '--mix', 'reads')
    let held = 0
    shop.intercept = () => {
      if (shop.requests.length < 50) return false
      held += 1
      // The load waits for these answers, and they never come.
      if (held === 10) {
        child.kill('SIGINT')
        setImmediate(() => child.kill('SIGTERM'))
      }
      return true
    }
    const { code, stdout } = await ended
    assert.deepEqual([code, stdout], [130, ''])
  })
})
