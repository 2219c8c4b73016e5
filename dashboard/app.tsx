import type { ReadonlySignal } from '@preact/signals'
import type { JSX } from 'preact'
import type { Page } from './models/page.ts'
import { Dashboard } from './views/dashboard.tsx'
import { Login } from './views/login.tsx'

interface AppProps {
  readonly page: Page
  /** The theme in force, `auto` resolved. */
  readonly shade: ReadonlySignal<'dark' | 'light'>
}

export function App({ page, shade }: AppProps): JSX.Element {
  switch (page.session.status.value) {
    case 'checking':
      return (
        <main class="login">
          <p class="hint">Connecting…</p>
        </main>
      )
    case 'signed_out':
      return <Login session={page.session} />
    case 'signed_in':
      return <Dashboard page={page} themeKey={shade.value} />
  }
}
