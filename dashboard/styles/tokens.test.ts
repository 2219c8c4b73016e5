import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'

const css = readFileSync(join(import.meta.dirname, 'tokens.css'), 'utf8')
const tokens = new Map(
  [...css.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)].map(
    ([, name, light, dark]) => [name!, { light: light!, dark: dark! }],
  ),
)

function luminance(color: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!
}

function contrast(a: string, b: string): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x)
  return (high! + 0.05) / (low! + 0.05)
}

describe('the tokens', () => {
  // A canvas is invisible to accessibility checkers, so the colours themselves are checked.
  const rules: readonly (readonly [names: string[], grounds: string[], atLeast: number])[] = [
    [['tx1', 'tx2', 'tx3'], ['bg0', 'bg1', 'bg2', 'bg3'], 4.5],
    [['ok', 'warn', 'crit', 'accent'], ['bg0', 'bg1'], 4.5],
    [['line-strong', 'focus'], ['bg1', 'bg3'], 3],
    [
      [
        'series-in-use',
        'series-waiting',
        'series-fault',
        'series-wal',
        'series-checkpoint',
        'series-limit',
      ],
      ['bg1'],
      3,
    ],
    // Labels at the ends of the lines are letters in the colour of their line.
    [['series-in-use', 'series-waiting', 'series-checkpoint', 'series-wal-text'], ['bg1'], 4.5],
  ]
  for (const [names, grounds, atLeast] of rules) {
    it(`keep ${names.join(', ')} readable on ${grounds.join(', ')}`, () => {
      for (const shade of ['light', 'dark'] as const) {
        for (const name of names) {
          for (const ground of grounds) {
            const ratio = contrast(tokens.get(name)![shade], tokens.get(ground)![shade])
            assert.ok(ratio >= atLeast, `${name} on ${ground}, ${shade}: ${ratio.toFixed(2)}`)
          }
        }
      }
    })
  }
})
