import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ThemeChoice } from './theme-choice.ts'

const memory = (
  value: string | null,
): { kept: string | null; getItem(): string | null; setItem(_: string, value: string): void } => ({
  kept: value,
  getItem: () => value,
  setItem(_, next) {
    this.kept = next
  },
})

describe('ThemeChoice', () => {
  it('takes the address before the memory, and the system where neither says anything', () => {
    assert.equal(new ThemeChoice('light', memory('dark')).theme.value, 'light')
    assert.equal(new ThemeChoice(null, memory('dark')).theme.value, 'dark')
    assert.equal(new ThemeChoice(null, memory('pink')).theme.value, 'auto')
    assert.equal(new ThemeChoice(null, null).theme.value, 'auto')
  })

  it('goes round and remembers', () => {
    const kept = memory(null)
    const choice = new ThemeChoice(null, kept)
    choice.next()
    assert.deepEqual([choice.theme.value, kept.kept], ['dark', 'dark'])
    choice.next()
    choice.next()
    assert.equal(choice.theme.value, 'auto')
  })
})
