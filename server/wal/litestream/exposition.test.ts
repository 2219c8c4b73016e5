import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseExposition } from './exposition.ts'

const parse = (text: string): unknown[] =>
  parseExposition(text, 'x_').map(({ name, labels, value }) => [name, { ...labels }, value])

describe('a Prometheus page', () => {
  it('gives names, labels and values', () => {
    assert.deepEqual(parse('x_a 1\nx_b{db="/a b",mode="PASSIVE"} 1.256632e+06 1700000000\r\n'), [
      ['x_a', {}, 1],
      ['x_b', { db: '/a b', mode: 'PASSIVE' }, 1_256_632],
    ])
  })

  it('gives only what has the prefix', () => {
    assert.deepEqual(parse('# HELP x_a of it\n# TYPE x_a gauge\ngo_x_a 1\nx_a 2'), [['x_a', {}, 2]])
  })

  it('undoes what was escaped in a label', () => {
    assert.deepEqual(parse(String.raw`x_a{db="C:\\d\"}{,\n"} 1`), [
      ['x_a', { db: 'C:\\d"}{,\n' }, 1],
    ])
  })

  it('leaves out what is no finite number, and no sample', () => {
    assert.deepEqual(parse('x_a NaN\nx_a +Inf\nx_a\nx_a{db="/a" 1\nx_ a b c'), [])
  })

  it('takes labels of any name', () => {
    const [sample] = parseExposition('x_a{__proto__="1"} 1', 'x_')
    assert.deepEqual(Object.keys(sample!.labels), ['__proto__'])
  })

  it('leaves out a line longer than any path', () => {
    assert.deepEqual(parse(`x_a{db="${'a'.repeat(16_384)}"} 1\nx_b 2`), [['x_b', {}, 2]])
  })
})
