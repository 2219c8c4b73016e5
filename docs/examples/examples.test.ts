import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { tempDir } from '../../server/testing/temp-db.ts'

const run = promisify(execFile)
const folder = import.meta.dirname
const read = (file: string): string => readFileSync(join(folder, file), 'utf8')
const examples = readdirSync(folder).filter(
  (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
)
/** The one that runs until it is told to end. */
const SERVICE = 'service.ts'

/** What an example says at its end that it prints. */
function promisedBy(file: string): string {
  const [, promised] = read(file).split('\n// Prints:\n')
  assert.ok(promised !== undefined, `${file} does not say what it prints`)
  return promised.replaceAll(/^\/\/ /gm, '')
}

const logsIn = (directory: string): string[] =>
  readdirSync(directory).filter((name) => /-(wal|shm)$/.test(name))

describe('docs/examples', () => {
  it('has them all', () => {
    assert.deepEqual(examples.toSorted(), [
      'basic.ts',
      'reading.ts',
      'service.ts',
      'transaction.ts',
      'waiting.ts',
      'write-ahead-log.ts',
    ])
  })

  for (const file of examples.filter((name) => name !== SERVICE)) {
    it(`${file} prints what it says, the second time too, and leaves no log`, async (t) => {
      const cwd = tempDir(t)
      for (const _ of [1, 2]) {
        const { stdout, stderr } = await run(process.execPath, [join(folder, file)], { cwd })
        assert.equal(stdout, promisedBy(file))
        assert.equal(stderr, '')
        assert.deepEqual(logsIn(cwd), [])
      }
    })
  }

  it(`${SERVICE} counts visits, and ends cleanly when it is told to`, async (t) => {
    const cwd = tempDir(t)
    const env = { PATH: process.env['PATH'] }
    const child = spawn(process.execPath, [join(folder, SERVICE)], {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    t.after(() => void child.kill('SIGKILL'))
    const exited = once(child, 'exit')
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const url = (await lines.next()).value as string
    const visits = await Promise.all(
      Array.from({ length: 20 }, async () => (await fetch(`${url}/tea?x=1`)).json()),
    )
    const counts = visits.map((visit) => (visit as { count: number }).count)
    assert.deepEqual(
      counts.toSorted((a, b) => a - b),
      Array.from({ length: 20 }, (_, index) => index + 1),
    )
    child.kill('SIGTERM')
    assert.equal((await lines.next()).value, 'closed')
    assert.deepEqual(await exited, [0, null])
    assert.deepEqual(logsIn(cwd), [])
  })

  it('basic.ts is the code of the README', () => {
    const readme = readFileSync(join(folder, '../../README.md'), 'utf8')
    const [, code] = /## In your own service\n+```ts\n([\s\S]*?)```/.exec(readme) ?? []
    assert.ok(code !== undefined)
    const example = read('basic.ts').replace('../../server/index.ts', 'glasspool')
    let from = 0
    for (const line of code.split('\n')) {
      const found = example.indexOf(line, from)
      assert.ok(found !== -1, `basic.ts does not have, at its place: ${line}`)
      from = found + line.length
    }
  })
})
