import type { JSX } from 'preact'
import { Icon } from '../components/icon.tsx'
import type { PinRow } from '../models/wal-pin.ts'

/** Who keeps the log from being copied back, and what it does. */
export function WalPin({ row }: { readonly row: PinRow }): JSX.Element {
  const { tone, label, who, ageText, lagText, sql, traceId } = row
  return (
    <div class={`wal-pin tone-${tone}`} data-testid="wal-pin" data-tone={tone}>
      <p class="wal-pin-who">
        <span class="wal-pin-label">
          {tone === 'crit' && <Icon name="act" />}
          {label}
        </span>{' '}
        <b title={who}>{who}</b> <span class="wal-pin-age">{ageText}</span>
      </p>
      <p class="wal-pin-lag">
        {lagText}
        {traceId !== null && (
          <>
            {' '}
            Trace{' '}
            <abbr class="trace mono" aria-label={traceId}>
              {traceId.slice(0, 8)}
            </abbr>
          </>
        )}
      </p>
      {sql !== null && <code class="wal-pin-sql">{sql}</code>}
    </div>
  )
}
