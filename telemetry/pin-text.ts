import type { WALPin } from './events.ts'

/** Who it is, in a few words, and without its SQL: a text may hold literal values. Isomorphic. */
export function describePin({ holder }: Pick<WALPin, 'holder'>): string {
  const { kind, lease, pid, command } = holder
  switch (kind) {
    case 'lease':
    case 'iterator': {
      const who = lease?.label == null ? `lease ${lease?.leaseId}` : lease.label
      const what = kind === 'iterator' ? 'an iterator left open by' : ''
      return `${what} ${who} on connection ${lease?.connectionId}`.trim()
    }
    case 'process':
      return `process ${pid}${command === null ? '' : ` (${shorten(command)})`}`
    case 'unknown':
      return pid === null
        ? 'a reader that cannot be seen from here'
        : 'a connection of this process outside of the pool'
  }
}

const MAX_COMMAND = 60

/** Without the path of the program, and no longer than a sentence can bear. */
function shorten(command: string): string {
  const [program = '', ...rest] = command.split(' ')
  const text = [program.slice(program.lastIndexOf('/') + 1), ...rest].join(' ')
  return text.length > MAX_COMMAND ? `${text.slice(0, MAX_COMMAND - 1)}…` : text
}
