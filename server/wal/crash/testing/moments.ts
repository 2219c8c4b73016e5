/** In what a victim is killed. `held up`: a reader keeps the pass waiting, and so every writer of the file. */
export const MOMENTS = [
  'PASSIVE',
  'RESTART',
  'TRUNCATE',
  'RESTART held up',
  'TRUNCATE held up',
  'gate',
  'close',
] as const

/** These last until the kill; the others are a race with it, and on a busy machine are over before it. */
export const CERTAIN_MOMENTS: readonly Moment[] = ['RESTART held up', 'TRUNCATE held up', 'gate']

/** `any`: at some time, whatever it does then. */
export type Moment = (typeof MOMENTS)[number] | 'any'

export interface VictimOrder {
  readonly path: string
  readonly seed: number
  readonly moment: Moment
}

/** What a dead process had been promised of a file. */
export interface Promised {
  readonly path: string
  readonly singles: readonly number[]
}

/** What is in the file. */
export interface Findings {
  /** Whatever must not be; empty when all is well. */
  readonly problems: readonly string[]
  readonly lastPurchase: number
}
