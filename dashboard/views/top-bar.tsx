import type { JSX } from 'preact'
import { Icon } from '../components/icon.tsx'
import { Segmented } from '../components/segmented.tsx'
import { age, timeOfDay, toText } from '../format.ts'
import { linkWords } from '../models/link-words.ts'
import type { Page } from '../models/page.ts'
import { RANGES } from '../models/series-store.ts'

const themeIcons = { auto: 'auto', dark: 'moon', light: 'sun' } as const

/** Where one is, what span one looks at, and whether it is live. */
export function TopBar({ page }: { readonly page: Page }): JSX.Element {
  const { view, feed, theme, session } = page
  return (
    <header class="top-bar">
      <h1 class="brand">
        <Icon name="pool" />
        {feed.hello.value?.poolName ?? 'Glasspool'}
      </h1>
      <Segmented
        label="Time range"
        names={RANGES.map(({ name }) => name)}
        chosen={view.range.value.name}
        onChoose={(name) => view.showRange(name)}
      />
      {feed.notice.value === 'reload' && (
        <button type="button" class="button button-active" onClick={() => location.reload()}>
          Reload: the server has a newer page
        </button>
      )}
      <LinkState page={page} />
      <div class="top-actions">
        <PauseButton page={page} />
        <button
          type="button"
          class="icon-button"
          aria-label={`Theme: ${theme.theme.value}`}
          onClick={() => theme.next()}
        >
          <Icon name={themeIcons[theme.theme.value]} />
        </button>
        <button
          type="button"
          class="icon-button"
          aria-label="Log out"
          onClick={() => void session.logOut()}
        >
          <Icon name="leave" />
        </button>
      </div>
    </header>
  )
}

function LinkState({ page }: { readonly page: Page }): JSX.Element {
  const { feed, view } = page
  void view.frame.value
  const { phase, heardAtMs, retryAtMs } = feed.link
  const words = linkWords({
    phase: phase.value,
    nowMs: page.nowMs(),
    heardAtMs: heardAtMs.value,
    dataAgeMs: feed.store.lastAtMs === null ? null : feed.serverClock.nowMs() - feed.store.lastAtMs,
    retryAtMs: retryAtMs.value,
    notice: feed.notice.value,
  })
  return (
    <p class={`link-state tone-${words.tone}`} data-testid="link-state" data-phase={phase.value}>
      <i class="dot" aria-hidden="true" />
      <b>{words.state}</b>
      <span class="link-detail">{words.detail}</span>
    </p>
  )
}

function PauseButton({ page }: { readonly page: Page }): JSX.Element {
  const { view, feed } = page
  void view.frame.value
  const pausedAtMs = view.isPaused.value ? view.pausedAtMs : null
  if (pausedAtMs === null) {
    return (
      <button type="button" class="button" aria-keyshortcuts="Space" onClick={() => view.pause()}>
        <Icon name="pause" />
        <span class="button-text">Pause</span>
      </button>
    )
  }
  const behindMs = (feed.store.lastAtMs ?? pausedAtMs) - pausedAtMs
  return (
    <button
      type="button"
      class="button button-active"
      aria-keyshortcuts="Space"
      onClick={() => view.resume()}
    >
      <Icon name="play" />
      <span class="button-text">Resume</span>
      <span class="paused-at">
        {timeOfDay(pausedAtMs)} · +{toText(age(behindMs))}
      </span>
    </button>
  )
}
