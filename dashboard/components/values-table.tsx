import { useState } from 'preact/hooks'
import type { JSX } from 'preact'

export interface ValuesRow {
  readonly label: string
  readonly cells: readonly string[]
}

interface ValuesTableProps {
  readonly caption: string
  readonly columns: readonly string[]
  /** Worked out only while someone looks. */
  readonly rows: () => readonly ValuesRow[]
}

/** What a chart shows, for whoever cannot see it or wants the number. */
export function ValuesTable(props: ValuesTableProps): JSX.Element {
  const [isOpen, setIsOpen] = useState(false)
  return (
    <details class="values" onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary>Table</summary>
      <table>
        <caption class="sr-only">{props.caption}</caption>
        <thead>
          <tr>
            <th scope="col">Series</th>
            {props.columns.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {(isOpen ? props.rows() : []).map((row) => (
            <tr key={row.label}>
              <th scope="row">{row.label}</th>
              {row.cells.map((cell, i) => (
                <td key={props.columns[i]}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  )
}
