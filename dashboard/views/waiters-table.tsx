import type { JSX } from 'preact'
import { age, plural, toText } from '../format.ts'
import type { Shown } from '../models/page-view.ts'

const SHOWN_COUNT = 10

/** Who waits, in the order in which they will be served. */
export function WaitersTable({ shown }: { readonly shown: Shown }): JSX.Element {
  const rows = shown.state?.waiters ?? []
  const hidden = rows.length - SHOWN_COUNT
  return (
    <section class="panel panel-waiters" id="waiters">
      <header class="panel-head">
        <h2>Waiters</h2>
        <span class="panel-note">
          {rows.length === 0 ? 'nobody waits' : plural(rows.length, 'caller')}
        </span>
      </header>
      {rows.length === 0 ? (
        <p class="hint panel-hint">
          Every caller has its connection. Whoever has to wait is listed here, the next one first.
        </p>
      ) : (
        <table class="rows waiters" role="table">
          <caption class="sr-only">Callers in the queue, the next one first</caption>
          <thead role="rowgroup">
            <tr role="row">
              {['Next', 'Waits', 'Caller', 'For'].map((name) => (
                <th key={name} scope="col" role="columnheader">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody role="rowgroup">
            {rows.slice(0, SHOWN_COUNT).map((row) => (
              <tr role="row" key={`${row.role}${row.position}`}>
                <td role="cell">{row.position}</td>
                <td role="cell">{toText(age(shown.atMs - row.sinceAtMs))}</td>
                <td role="cell" class="col-holder">
                  {row.label ?? <span class="hint">unnamed</span>}
                </td>
                <td role="cell">{row.role}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {hidden > 0 && <p class="hint panel-hint">and {plural(hidden, 'more caller')}</p>}
    </section>
  )
}
