import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { appendFileSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { tempDir } from '../../testing/temp-db.ts'

const SCRIPT = join(import.meta.dirname, 'build.mjs')
const LIBRARY = `interrupt-${process.platform}-${process.arch}.so`

function build(directory: string, env: NodeJS.ProcessEnv = process.env) {
  const options = { encoding: 'utf8', env } as const
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, directory], options)
  return { status, output: stdout + stderr }
}

const hasCompiler = spawnSync('cc', ['--version']).error === undefined

describe('interrupt/build.mjs', () => {
  it('builds once, and again only when something is not as it was', { skip: !hasCompiler }, (t) => {
    const directory = join(tempDir(t), 'a', 'b')
    assert.deepEqual(build(directory), { status: 0, output: '' })
    assert.deepEqual(readdirSync(directory).toSorted(), [LIBRARY, `${LIBRARY}.sha256`])
    const library = join(directory, LIBRARY)
    const { ino } = statSync(library)
    // Nothing is compiled now, so the compiler is not missed.
    assert.deepEqual(build(directory, { PATH: '' }), { status: 0, output: '' })
    assert.equal(statSync(library).ino, ino)
    appendFileSync(`${library}.sha256`, 'another')
    assert.deepEqual(build(directory), { status: 0, output: '' })
    assert.notEqual(statSync(library).ino, ino)
    assert.match(readFileSync(`${library}.sha256`, 'utf8'), /^[0-9a-f]{64}$/)
  })

  const failures: { name: string; env: NodeJS.ProcessEnv; line: RegExp }[] = [
    { name: 'without a compiler', env: { PATH: '' }, line: /there is no C compiler/ },
    { name: 'when the compiler fails', env: { CC: process.execPath }, line: /failed/ },
  ]
  for (const { name, env, line } of failures) {
    it(`says so in one line ${name}, and that is all`, (t) => {
      const directory = tempDir(t)
      const { status, output } = build(directory, env)
      assert.equal(status, 0)
      assert.match(output, line)
      assert.match(output, /^glasspool: [^\n]+\n$/)
      assert.deepEqual(readdirSync(directory), [])
    })
  }

  it('says so where it cannot write', (t) => {
    const file = join(tempDir(t), 'file')
    appendFileSync(file, '')
    const { status, output } = build(join(file, 'x'))
    assert.equal(status, 0)
    assert.match(output, /^glasspool: [^\n]+\n$/)
  })
})
