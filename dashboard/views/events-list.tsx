import type { JSX } from 'preact'
import { timeOfDay } from '../format.ts'
import type { Lane } from '../models/marks.ts'
import type { Shown } from '../models/page-view.ts'

const SHOWN_COUNT = 40

const laneGlyphs: Readonly<Record<Lane, string>> = { checkpoint: '▮', change: '◆', fault: '●' }

/** What happened, newest first: the lanes in words. */
export function EventsList({ shown }: { readonly shown: Shown }): JSX.Element {
  const marks = shown.marks.slice(-SHOWN_COUNT).toReversed()
  return (
    <section class="panel panel-events" id="events">
      <header class="panel-head">
        <h2>Events</h2>
        <span class="panel-note">{marks.length === 0 ? 'none yet' : 'newest first'}</span>
      </header>
      {marks.length === 0 ? (
        <p class="hint panel-hint">
          Checkpoints, timeouts and leaks are listed here as they happen.
        </p>
      ) : (
        <div class="events-scroll" role="region" aria-label="Events" tabIndex={0}>
          <ol class="events" data-testid="events">
            {marks.map((mark) => (
              <li key={mark.id} class={`event tone-${mark.tone}`}>
                <time>{timeOfDay(mark.atMs)}</time>
                <i aria-hidden="true">{laneGlyphs[mark.lane]}</i>
                <p>
                  <b>{mark.title}</b> <span>{mark.detail}</span>
                </p>
              </li>
            ))}
          </ol>
        </div>
      )}
    </section>
  )
}
