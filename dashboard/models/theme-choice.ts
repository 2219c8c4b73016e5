import { signal } from '@preact/signals'
import type { Signal } from '@preact/signals'
import { THEMES } from './url-state.ts'
import type { Theme } from './url-state.ts'

const KEY = 'glasspool.theme'

interface Memory {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
}

/** Dark, light, or as the system says; this browser remembers it. */
export class ThemeChoice {
  readonly theme: Signal<Theme>
  readonly #memory: Memory | null

  /** `memory` is `null` where a browser keeps nothing. */
  constructor(fromUrl: Theme | null, memory: Memory | null) {
    this.#memory = memory
    const remembered = THEMES.find((name) => name === memory?.getItem(KEY))
    this.theme = signal(fromUrl ?? remembered ?? 'auto')
  }

  next(): void {
    this.theme.value = THEMES[(THEMES.indexOf(this.theme.value) + 1) % THEMES.length]!
    this.#memory?.setItem(KEY, this.theme.value)
  }
}
