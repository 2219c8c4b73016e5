/** One line of a Prometheus page. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Of a path and a few words; a longer line is no sample of ours, and the pattern would take its time over it. */
const MAX_LINE_LENGTH = 16_384

const SAMPLE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$/
const LABEL = /([A-Za-z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"/g
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', '\\': '\\', '"': '"' }

/**
 * The samples of a page in the Prometheus text format whose names begin with `prefix`. Lines of another form, and
 * values that are no finite numbers, are left out.
 */
export function parseExposition(text: string, prefix: string): Sample[] {
  const samples: Sample[] = []
  for (const line of text.split('\n')) {
    if (!line.startsWith(prefix) || line.length > MAX_LINE_LENGTH) continue
    const [, name, labels = '', digits] = SAMPLE.exec(line.trimEnd()) ?? []
    const value = Number(digits)
    if (name === undefined || !Number.isFinite(value)) continue
    samples.push({ name, labels: parseLabels(labels), value })
  }
  return samples
}

function parseLabels(text: string): Record<string, string> {
  // Names come from elsewhere: one may be `__proto__`.
  const labels: Record<string, string> = Object.create(null)
  for (const [, name = '', value = ''] of text.matchAll(LABEL)) {
    labels[name] = value.replaceAll(/\\(.)/g, (all, escaped: string) => ESCAPES[escaped] ?? all)
  }
  return labels
}
