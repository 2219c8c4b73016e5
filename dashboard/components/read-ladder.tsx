import type { JSX } from 'preact'
import type { Ladder, Rung } from '../models/read-ladder.ts'

interface ReadLadderProps {
  readonly ladder: Ladder
  /** What stands at the right end of the scale. */
  readonly endText: string
  /** Somebody's slot keeps the log, and that hurts. */
  readonly isAlarming: boolean
}

/**
 * Where in the log each of SQLite's five read slots stands: solid while somebody reads there, hollow when the reader is
 * gone. Who it is comes up with the pointer or the focus, and is a list for whoever listens.
 */
export function ReadLadder({ ladder, endText, isAlarming }: ReadLadderProps): JSX.Element {
  const { rungs, heldCount, backfilledShare } = ladder
  const used = rungs.filter(({ state }) => state !== 'unused')
  return (
    <div class={isAlarming ? 'ladder is-alarming' : 'ladder'} data-testid="read-ladder">
      <p class="ladder-head">
        <span>Read slots</span> <b>{heldCount} of 5 in use</b>
      </p>
      <div class="ladder-scale" role="group" tabIndex={0} aria-label="Read slots, who uses them">
        <div class="ladder-rungs" aria-hidden="true">
          <span class="ladder-backfilled" style={{ width: percent(backfilledShare) }} />
          {rungs.map((rung) => (
            <span key={rung.slot} class="rung">
              {rung.state !== 'unused' && (
                <i class={markClass(rung)} style={{ left: percent(rung.share) }} />
              )}
            </span>
          ))}
        </div>
        <ul class="ladder-list">
          {used.length === 0 && <li>No slot is in use.</li>}
          {used.map(({ slot, state, words }) => (
            <li key={slot} class={`ladder-${state}`}>
              {words}
            </li>
          ))}
        </ul>
      </div>
      <p class="ladder-ends" aria-hidden="true">
        <span>0</span>
        <span>{endText}</span>
      </p>
    </div>
  )
}

const markClass = ({ state, isPin }: Rung): string =>
  `rung-mark rung-${state}${isPin ? ' rung-pin' : ''}`

const percent = (share: number): string => `${(share * 100).toFixed(2)}%`
