import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { tempDir } from '../../testing/temp-db.ts'
import { findLitestream, isLitestreamCommand } from './process.ts'

describe("Litestream's command line", () => {
  it('begins with its name, with or without a folder', () => {
    assert.ok(isLitestreamCommand('litestream replicate -config /etc/litestream.yml'))
    assert.ok(isLitestreamCommand('/usr/local/bin/litestream replicate'))
    assert.ok(isLitestreamCommand('/usr/local/bin/litestream\0replicate\0'))
    assert.ok(isLitestreamCommand('litestream'))
  })

  it('is not that of a program that only mentions it', () => {
    for (const command of [
      '',
      'vim /etc/litestream',
      'node node_modules/.bin/litestream replicate',
      '/opt/litestream/server',
      'litestream-exporter',
      'mylitestream replicate',
    ]) {
      assert.equal(isLitestreamCommand(command), false, command)
    }
  })
})

describe('finding the Litestream of a database', () => {
  it('takes the one that has this file open', async (t) => {
    const root = tempDir(t)
    const [ours, other] = [join(root, 'ours.sqlite'), join(root, 'other.sqlite')]
    for (const path of [ours, other]) writeFileSync(path, '')
    const table = join(root, 'proc')
    addProcess(table, 11, { command: 'litestream\0replicate', opened: other })
    addProcess(table, 12, { command: '/usr/bin/node\0app.js', opened: ours })
    assert.equal(await findLitestream(ours, table), null)
    addProcess(table, 13, { command: '/usr/bin/litestream\0replicate', opened: ours })
    assert.equal(await findLitestream(ours, table), 13)
  })

  it('sees nobody without a process table or without the file', async (t) => {
    const root = tempDir(t)
    assert.equal(await findLitestream(join(root, 'none.sqlite')), null)
    writeFileSync(join(root, 'ours.sqlite'), '')
    assert.equal(await findLitestream(join(root, 'ours.sqlite'), join(root, 'proc')), null)
  })
})

function addProcess(
  table: string,
  pid: number,
  { command, opened }: { readonly command: string; readonly opened: string },
): void {
  const folder = join(table, String(pid))
  mkdirSync(join(folder, 'fd'), { recursive: true })
  writeFileSync(join(folder, 'cmdline'), command)
  symlinkSync('socket:[1]', join(folder, 'fd/0'))
  symlinkSync(opened, join(folder, 'fd/3'))
}
