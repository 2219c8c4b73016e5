import { useState } from 'preact/hooks'
import type { JSX } from 'preact'

/** One mark of a lane, or several that stand too close to be told apart. */
export interface LaneItem {
  readonly id: string
  /** From the left edge, 0 to 1. */
  readonly left: number
  readonly tone: string
  readonly isHatched: boolean
  /** How many it stands for. */
  readonly count: number
  /** What it stands for, the newest last; of very many only the newest. */
  readonly lines: readonly { readonly title: string; readonly detail: string }[]
}

interface LaneProps {
  readonly name: string
  readonly testId: string
  readonly items: readonly LaneItem[]
}

/** What happened, under the axis and never on the lines. One tab stop; arrow keys go from mark to mark. */
export function Lane({ name, testId, items }: LaneProps): JSX.Element {
  const [focusedId, setFocusedId] = useState<string | null>(null)
  const tabStop = items.some(({ id }) => id === focusedId) ? focusedId : items.at(-1)?.id
  return (
    <div class="lane">
      <span class="lane-name">{name}</span>
      <ol class="lane-track" aria-label={name} data-testid={testId} onKeyDown={moveFocus}>
        {items.map((item) => (
          <li
            key={item.id}
            class={item.left > 0.5 ? 'mark mark-right' : 'mark'}
            style={{ left: `${(item.left * 100).toFixed(2)}%` }}
          >
            <button
              type="button"
              class={`mark-body tone-${item.tone}${item.isHatched ? ' hatched' : ''}`}
              aria-label={labelOf(item)}
              tabIndex={item.id === tabStop ? 0 : -1}
              onFocus={() => setFocusedId(item.id)}
            >
              {item.count > 1 ? <span class="mark-count">{item.count}</span> : null}
            </button>
            <span class="tip" aria-hidden="true">
              {item.lines.map(({ title, detail }) => (
                <span key={title + detail} class="tip-line">
                  <b>{title}</b>
                  <span>{detail}</span>
                </span>
              ))}
            </span>
          </li>
        ))}
      </ol>
    </div>
  )
}

function labelOf({ count, lines }: LaneItem): string {
  const texts = lines.map(({ title, detail }) => `${title}, ${detail}`)
  return count === 1 ? texts.join('') : `${count} events: ${texts.join('; ')}`
}

function moveFocus(event: KeyboardEvent): void {
  const step = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : 0
  if (step === 0) return
  const track = event.currentTarget as HTMLElement
  const marks = [...track.querySelectorAll('button')]
  const here = marks.indexOf(event.target as HTMLButtonElement)
  marks[here + step]?.focus()
  event.preventDefault()
}
