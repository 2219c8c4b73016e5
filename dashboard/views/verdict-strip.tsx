import { useRef } from 'preact/hooks'
import type { JSX } from 'preact'
import type { Verdict } from '../../telemetry/protocol.ts'
import { Icon } from '../components/icon.tsx'
import { age, timeOfDay, toText } from '../format.ts'
import type { Page } from '../models/page.ts'
import type { Shown } from '../models/page-view.ts'

const looks = {
  healthy: { icon: 'check', word: 'Healthy', tone: 'ok' },
  watch: { icon: 'watch', word: 'Watch', tone: 'warn' },
  act: { icon: 'act', word: 'Act', tone: 'crit' },
} as const

interface VerdictStripProps {
  readonly page: Page
  readonly shown: Shown
}

/** One sentence: is the pool well and, if not, who holds what. Shape, word and colour say the same. */
export function VerdictStrip({ page, shown }: VerdictStripProps): JSX.Element {
  const verdict = shown.state?.verdict ?? null
  if (verdict === null) {
    return (
      <section class="verdict tone-neutral" data-testid="verdict" data-level="unknown">
        <p>{page.feed.isLoaded.value ? 'Nothing is known of the pool.' : 'Loading…'}</p>
      </section>
    )
  }
  const look = looks[verdict.level] ?? looks.watch
  const phase = page.feed.link.phase.value
  const isOld = phase === 'disconnected' || phase === 'stale'
  return (
    <section
      class={`verdict tone-${isOld ? 'neutral' : look.tone}${isOld ? ' is-old' : ''}`}
      data-testid="verdict"
      data-level={verdict.level}
      data-code={verdict.code}
    >
      <Icon name={look.icon} />
      <p>
        <b>{look.word}</b> <span class="verdict-sentence">{verdict.sentence}</span>
      </p>
      <Spoken verdict={verdict} word={look.word} />
      <span class="verdict-since">
        {isOld
          ? `as of ${timeOfDay(page.feed.store.lastAtMs ?? shown.atMs)}`
          : `for ${toText(age(shown.atMs - verdict.sinceAtMs))}`}
      </span>
    </section>
  )
}

/** Speaks when another rule speaks, and not whenever a number in its sentence changes. */
function Spoken({
  verdict,
  word,
}: {
  readonly verdict: Verdict
  readonly word: string
}): JSX.Element {
  const said = useRef({ code: '', text: '' })
  const code = `${verdict.level} ${verdict.code}`
  if (said.current.code !== code) said.current = { code, text: `${word}: ${verdict.sentence}` }
  return (
    <p class="sr-only" role="status">
      {said.current.text}
    </p>
  )
}
