import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { Icon } from '../components/icon.tsx'
import type { Session } from '../models/session.ts'

/** For whoever has no session: what to do, and why the last attempt failed. */
export function Login({ session }: { readonly session: Session }): JSX.Element {
  const [token, setToken] = useState('')
  const message = session.message.value
  return (
    <main class="login" data-settled="true">
      <form
        class="panel login-panel"
        onSubmit={(event) => {
          event.preventDefault()
          if (token.trim() !== '') void session.logIn(token.trim())
        }}
      >
        <h1 class="brand">
          <Icon name="pool" />
          Glasspool
        </h1>
        <p class="hint">
          Open the link that the server printed when it started, or paste its token here.
        </p>
        <label for="token">Token</label>
        <input
          id="token"
          name="token"
          type="password"
          autocomplete="off"
          spellcheck={false}
          value={token}
          aria-describedby="login-message"
          onInput={(event) => setToken(event.currentTarget.value)}
        />
        <p id="login-message" class="login-message" role="alert" data-testid="login-message">
          {message}
        </p>
        <button type="submit" class="button button-primary" disabled={session.isBusy.value}>
          Log in
        </button>
      </form>
    </main>
  )
}
