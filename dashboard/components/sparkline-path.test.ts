import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sparklinePath } from './sparkline-path.ts'

const span = { fromMs: 0, toMs: 100 }
const scale = { width: 100, height: 22, highest: 10 }

describe('sparklinePath', () => {
  const cases: readonly (readonly [
    name: string,
    atMs: number[],
    column: (number | null)[],
    path: string,
  ])[] = [
    [
      'goes from left to right, high is up',
      [0, 50, 100],
      [0, 10, 5],
      'M0.0 21.0L50.0 1.0L100.0 11.0',
    ],
    ['lifts the pen at a gap', [0, 50, 60, 100], [0, 0, null, 0], 'M0.0 21.0L50.0 21.0M100.0 21.0'],
    ['leaves out what is out of sight', [-10, 50, 110], [1, 0, 1], 'M50.0 21.0'],
    ['is empty without points', [], [], ''],
    ['does not leave the box', [50], [99], 'M50.0 1.0'],
  ]
  for (const [name, atMs, column, path] of cases) {
    it(name, () => assert.equal(sparklinePath({ atMs, column }, span, scale), path))
  }
})
