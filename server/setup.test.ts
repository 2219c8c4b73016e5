import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'

/** What the scripts may import by name: Node.js 20 has it. A name that it lacks ends them before their first line. */
const inNode20: Readonly<Record<string, readonly string[]>> = {
  'node:child_process': ['spawn', 'spawnSync'],
  'node:crypto': ['createHash'],
  'node:fs': [
    'copyFileSync',
    'existsSync',
    'mkdirSync',
    'readdirSync',
    'readFileSync',
    'renameSync',
    'rmSync',
    'writeFileSync',
  ],
  'node:module': ['createRequire'],
  'node:path': ['basename', 'dirname', 'join', 'resolve'],
  'node:url': ['fileURLToPath'],
}

function namedImports(source: string): { readonly name: string; readonly from: string }[] {
  return [...source.matchAll(/^import \{([^}]*)\} from '([^']+)'/gm)].flatMap((match) =>
    match[1]!.split(',').map((name) => ({ name: name.trim(), from: match[2]! })),
  )
}

const unknown = (source: string): string[] =>
  namedImports(source)
    .filter(({ from }) => from.startsWith('node:'))
    .filter(({ name, from }) => inNode20[from]?.includes(name) !== true)
    .map(({ name, from }) => `${name} of ${from}`)

describe('the scripts that run before the right Node.js is there', () => {
  for (const script of ['setup.mjs', 'start.mjs', 'build.mjs', 'sqlite/interrupt/build.mjs']) {
    it(`${script} imports by name only what Node.js 20 has`, () => {
      assert.deepEqual(unknown(readFileSync(join(import.meta.dirname, script), 'utf8')), [])
    })
  }

  it('would be caught importing the compile cache', () => {
    const source = "import { enableCompileCache } from 'node:module'\n"
    assert.deepEqual(unknown(source), ['enableCompileCache of node:module'])
  })
})
