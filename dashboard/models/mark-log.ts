import type { Lane, Mark } from './marks.ts'

const CAPACITY = 1000

/** Marks of one lane that stand too close to be told apart. */
export interface MarkCluster {
  readonly marks: readonly Mark[]
  readonly atMs: number
  readonly endMs: number
}

/** The newest thousand marks, in order of time and each once, wherever it was heard. */
export class MarkLog {
  #marks: Mark[] = []
  #ids = new Set<string>()

  get all(): readonly Mark[] {
    return this.#marks
  }

  add(mark: Mark): void {
    if (this.#ids.has(mark.id)) return
    this.#ids.add(mark.id)
    const after = this.#marks.findLastIndex((other) => other.atMs <= mark.atMs)
    this.#marks = this.#marks.toSpliced(after + 1, 0, mark)
    while (this.#marks.length > CAPACITY) {
      this.#ids.delete(this.#marks[0]!.id)
      this.#marks = this.#marks.slice(1)
    }
  }
}

/**
 * The marks of a lane that touch a window, those nearer than `minDistanceMs` put together. Which ones
 * belong together does not depend on the window, so that nothing regroups while it moves.
 */
export function clusters(
  marks: readonly Mark[],
  lane: Lane,
  span: { readonly fromMs: number; readonly toMs: number; readonly minDistanceMs: number },
): MarkCluster[] {
  const found: { marks: Mark[]; atMs: number; endMs: number }[] = []
  for (const mark of marks) {
    if (mark.lane !== lane) continue
    const last = found.at(-1)
    if (last !== undefined && mark.atMs - last.atMs < span.minDistanceMs) {
      last.marks.push(mark)
      last.endMs = Math.max(last.endMs, mark.endMs)
    } else {
      found.push({ marks: [mark], atMs: mark.atMs, endMs: mark.endMs })
    }
  }
  return found.filter(({ atMs, endMs }) => endMs >= span.fromMs && atMs <= span.toMs)
}
