import type { Random } from '../random.ts'

/** What one request does. */
export const KINDS = ['list', 'get', 'create', 'update', 'delete', 'stats'] as const
export type Kind = (typeof KINDS)[number]

/** How often reads, writes and heavy aggregates are asked for, relative to each other. */
export interface Mix {
  readonly reads: number
  readonly writes: number
  readonly heavy: number
}

export const namedMixes: Readonly<Record<string, Mix>> = {
  mixed: { reads: 80, writes: 17, heavy: 3 },
  reads: { reads: 1, writes: 0, heavy: 0 },
  writes: { reads: 0, writes: 1, heavy: 0 },
  heavy: { reads: 0, writes: 0, heavy: 1 },
}

/** A name, or three weights like `80:17:3`; `null` for anything else, and for three zeros. */
export function parseMix(text: string): Mix | null {
  if (Object.hasOwn(namedMixes, text)) return namedMixes[text]!
  const match = /^(\d{1,6}):(\d{1,6}):(\d{1,6})$/.exec(text)
  if (match === null) return null
  const [reads, writes, heavy] = match.slice(1).map(Number) as [number, number, number]
  return reads + writes + heavy === 0 ? null : { reads, writes, heavy }
}

/** What the next request does. Takes two random numbers. */
export function pickKind({ reads, writes, heavy }: Mix, random: Random): Kind {
  const draw = random.next() * (reads + writes + heavy)
  const share = random.next()
  if (draw < reads) return share < 0.6 ? 'list' : 'get'
  if (draw >= reads + writes) return 'stats'
  return share < 0.45 ? 'create' : share < 0.8 ? 'update' : 'delete'
}
