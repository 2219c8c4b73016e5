import type { JSX } from 'preact'
import type { ConnectionRow, ConnectionState } from '../../telemetry/protocol.ts'
import { Icon } from '../components/icon.tsx'
import { age, plural, toText } from '../format.ts'
import type { Shown } from '../models/page-view.ts'

const stateWords: Readonly<Record<ConnectionState, string>> = {
  opening: 'opening',
  idle: 'idle',
  in_use: 'in use',
  resetting: 'resetting',
  zombie: 'stuck',
}

const stuckTitle =
  'Its caller was told the end of a statement that SQLite still runs. The connection comes back when the statement ends.'

/** Every connection, in fixed places: who holds it, since when, and what it does. */
export function LeasesTable({ shown }: { readonly shown: Shown }): JSX.Element {
  const rows = shown.state?.connections ?? []
  const inUse = rows.filter(({ state }) => state === 'in_use').length
  return (
    <section class="panel panel-leases" id="leases">
      <header class="panel-head">
        <h2>Leases</h2>
        <span class="panel-note">
          {plural(rows.length, 'connection')}, {inUse} in use
        </span>
      </header>
      {rows.length === 0 ? (
        <p class="hint panel-hint">
          No connection is open. The pool opens one when a caller comes.
        </p>
      ) : (
        <table class="rows leases" role="table">
          <caption class="sr-only">Connections and who holds them</caption>
          <thead role="rowgroup">
            <tr role="row">
              {['#', 'State', 'Holder', 'Held', 'Statement', 'Trace'].map((name) => (
                <th
                  key={name}
                  scope="col"
                  role="columnheader"
                  class={name === '#' ? 'col-id' : `col-${name.toLowerCase()}`}
                >
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody role="rowgroup">
            {rows.map((row) => (
              <LeaseRow key={row.id} row={row} nowMs={shown.atMs} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}

function LeaseRow({
  row,
  nowMs,
}: {
  readonly row: ConnectionRow
  readonly nowMs: number
}): JSX.Element {
  const isHeld = row.leaseId !== null
  const isStuck = row.state === 'zombie'
  return (
    <tr
      role="row"
      class={`state-${row.state}${row.isLeakSuspect ? ' is-leak' : ''}`}
      data-connection={row.id}
    >
      <td role="cell" class="col-id">
        <b>{row.id}</b> <span class="role">{row.role}</span>
      </td>
      <td role="cell" class="col-state">
        <i class={`square state-mark-${row.state}`} aria-hidden="true" />
        {isStuck ? (
          <abbr title={stuckTitle}>{stateWords.zombie}</abbr>
        ) : (
          (stateWords[row.state] ?? row.state)
        )}
        {row.hasTransaction && <span class="badge">txn</span>}
        {row.isLeakSuspect && (
          <span class="badge badge-crit">
            <Icon name="leak" />
            leak?
          </span>
        )}
      </td>
      <td role="cell" class="col-holder">
        {row.label ?? (isHeld ? <span class="hint">unnamed</span> : '')}
      </td>
      <td role="cell" class="col-held">
        {isHeld || isStuck ? toText(age(nowMs - row.sinceAtMs)) : ''}
      </td>
      <td role="cell" class="col-statement">
        <Statement row={row} nowMs={nowMs} />
      </td>
      <td role="cell" class="col-trace mono">
        {row.traceId === null ? (
          ''
        ) : (
          <abbr class="trace" aria-label={row.traceId}>
            {row.traceId.slice(0, 8)}
          </abbr>
        )}
      </td>
    </tr>
  )
}

/** The statement, and whether it runs or what came after it is the wait. */
function Statement({
  row,
  nowMs,
}: {
  readonly row: ConnectionRow
  readonly nowMs: number
}): JSX.Element | null {
  if (row.sql === null) return null
  const since = row.statementSinceAtMs
  const forText = since === null ? '' : toText(age(nowMs - since))
  return (
    <span class="statement">
      <code>{row.sql}</code>
      <span class="statement-since">{row.isRunning ? `runs ${forText}` : `idle ${forText}`}</span>
    </span>
  )
}
