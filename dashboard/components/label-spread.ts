/**
 * Moves labels apart until neighbours are at least `gap` pixels from each other and all are inside 0 to
 * `height`; each stays as near to where it wants to be as the others let it. Keeps the given order.
 */
export function spreadLabels(
  wanted: readonly number[],
  options: { readonly gap: number; readonly height: number },
): number[] {
  const { gap, height } = options
  const order = wanted.map((_, index) => index).sort((a, b) => wanted[a]! - wanted[b]!)
  const placed: number[] = []
  let floor = 0
  for (const index of order) {
    const y = Math.max(floor, wanted[index]!)
    placed[index] = y
    floor = y + gap
  }
  let ceiling = height
  for (const index of order.toReversed()) {
    placed[index] = Math.max(0, Math.min(ceiling, placed[index]!))
    ceiling = placed[index] - gap
  }
  return placed
}
