import type { JSX } from 'preact'

interface SegmentedProps<Name extends string> {
  readonly label: string
  readonly names: readonly Name[]
  readonly chosen: Name
  onChoose(name: Name): void
}

/** A choice of a few words that are all in sight. */
export function Segmented<Name extends string>(props: SegmentedProps<Name>): JSX.Element {
  return (
    <div class="segmented" role="group" aria-label={props.label}>
      {props.names.map((name) => (
        <button
          key={name}
          type="button"
          aria-pressed={name === props.chosen}
          onClick={() => props.onChoose(name)}
        >
          {name}
        </button>
      ))}
    </div>
  )
}
