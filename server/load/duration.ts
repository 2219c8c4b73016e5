const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** `500ms`, `60s`, `1.5m`, `1h` in milliseconds; `null` for anything else. A bare number has no unit. */
export function parseDuration(text: string): number | null {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)$/.exec(text)
  return match === null ? null : Number(match[1]) * units[match[2]!]!
}
