/** SQL, labels and stacks are written by others: one of a megabyte must not go to every viewer four times a second. */
export const TEXT_LIMIT = 1000

export const clip = (text: string): string =>
  text.length > TEXT_LIMIT ? `${text.slice(0, TEXT_LIMIT)}…` : text

/** A copy of plain data with every text in it clipped. */
export function clipTexts<T>(value: T): T {
  return clipped(value) as T
}

function clipped(value: unknown): unknown {
  if (typeof value === 'string') return clip(value)
  if (Array.isArray(value)) return value.map(clipped)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, clipped(inner)]))
}
