import type { JSX } from 'preact'
import type { Quantity as Amount } from '../format.ts'

/** A number and, smaller, its unit. */
export function Quantity({ of }: { readonly of: Amount }): JSX.Element {
  return (
    <span class="quantity">
      {of.value}
      {of.unit !== '' && <span class="unit">{`\u2009${of.unit}`}</span>}
    </span>
  )
}
