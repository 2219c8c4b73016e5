import type { JSX } from 'preact'

export interface BarPart {
  readonly name: string
  readonly amount: number
  readonly text: string
}

/** Parts of a whole, side by side; the words below say the same. */
export function StackedBar({ parts }: { readonly parts: readonly BarPart[] }): JSX.Element {
  return (
    <div class="bar">
      <div class="bar-track" aria-hidden="true">
        {parts.map((part) => (
          <span key={part.name} class={`bar-${part.name}`} style={{ flexGrow: part.amount }} />
        ))}
      </div>
      <ul class="bar-legend">
        {parts.map((part) => (
          <li key={part.name} class={`bar-key bar-key-${part.name}`}>
            {part.text}
          </li>
        ))}
      </ul>
    </div>
  )
}
