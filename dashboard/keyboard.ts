import type { Page } from './models/page.ts'
import { RANGES } from './models/series-store.ts'

/** Single keys: Space pauses, 1 to 4 choose the range, t the theme. Not while something takes text. */
export function onKey(event: KeyboardEvent, page: Page): void {
  const target = event.target as HTMLElement | null
  if (event.ctrlKey || event.metaKey || event.altKey) return
  // A dialog has its own Escape, wherever the focus is.
  if (document.querySelector('dialog[open]') !== null) return
  if ((target?.closest('input, textarea, select, button, a, summary') ?? null) !== null) return
  const range = RANGES[Number(event.key) - 1]
  if (event.key === ' ') togglePause(page)
  else if (event.key === 't') page.theme.next()
  else if (event.key === 'Escape') page.view.resume()
  else if (range !== undefined) page.view.showRange(range.name)
  else return
  event.preventDefault()
}

function togglePause({ view }: Page): void {
  if (view.isPaused.value) view.resume()
  else view.pause()
}
