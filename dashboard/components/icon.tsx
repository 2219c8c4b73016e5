import type { JSX } from 'preact'

/** Outlines on a grid of 16, drawn for this page. */
const paths = {
  pool: 'M8 1.5 14.5 8 8 14.5 1.5 8Z M8 5 11 8 8 11 5 8Z',
  check: 'M8 1.5a6.5 6.5 0 1 1 0 13a6.5 6.5 0 0 1 0-13Z M5 8.2l2.1 2.1L11 6.2',
  watch: 'M8 1.8 15 14H1Z M8 6.2v3.6 M8 11.6v.6',
  act: 'M5.2 1.5h5.6l3.7 3.7v5.6l-3.7 3.7H5.2L1.5 10.8V5.2Z M8 4.6v4 M8 10.8v.6',
  pause: 'M5.5 3v10 M10.5 3v10',
  play: 'M4.5 2.8v10.4L13 8Z',
  moon: 'M13.2 9.8A5.6 5.6 0 0 1 6.2 2.8a5.6 5.6 0 1 0 7 7Z',
  sun: 'M8 5a3 3 0 1 1 0 6a3 3 0 0 1 0-6Z M8 1v1.6 M8 13.4V15 M1 8h1.6 M13.4 8H15 M3 3l1.2 1.2 M11.8 11.8 13 13 M3 13l1.2-1.2 M11.8 4.2 13 3',
  auto: 'M8 1.5a6.5 6.5 0 1 1 0 13a6.5 6.5 0 0 1 0-13Z M8 1.5v13 M8 5l5.4-1 M8 8h6.4 M8 11l5.4 1',
  leave: 'M6 2H2.5v12H6 M6.5 8H14 M11 5l3 3-3 3',
  leak: 'M8 1.8C10.5 5 12 7.2 12 9.6a4 4 0 0 1-8 0C4 7.2 5.5 5 8 1.8Z',
  help: 'M8 1.5a6.5 6.5 0 1 1 0 13a6.5 6.5 0 0 1 0-13Z M6 6.2a2 2 0 1 1 2.9 1.8c-.6.3-.9.7-.9 1.4 M8 11.6v.4',
} as const
export type IconName = keyof typeof paths

/** Decoration: the word beside it says the same. */
export function Icon({ name }: { readonly name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  )
}
