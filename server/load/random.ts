/** Numbers from 0 (inclusive) to 1, always the same ones for a seed (mulberry32). */
export type Random = () => number

export function createRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** One of a list that is not empty. */
export const pick = <T>(list: readonly T[], random: Random): T =>
  list[Math.floor(random() * list.length)]!

/** A whole number from `low` to `high`, both included. */
export const between = (low: number, high: number, random: Random): number =>
  low + Math.floor(random() * (high - low + 1))
