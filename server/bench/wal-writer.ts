import type { Commit } from './wal-latency.ts'

/**
 * Commits by the clock: the n-th is due n periods after the start, however long those before it took. One at a
 * time: one that is late starts when the one ahead has ended, and catches up from there.
 *
 * It sleeps in between. A loop that turns until the next is due would keep one core, and with it the thread that
 * checkpoints, from whatever else there is to do; so a start is up to a millisecond late, the step of a timer.
 */
export async function writePaced(
  commit: (index: number) => Promise<unknown>,
  given: { readonly perSecond: number; readonly isOver: (nowMs: number) => boolean },
): Promise<Commit[]> {
  const commits: Commit[] = []
  const firstMs = performance.now()
  for (;;) {
    const dueMs = firstMs + (commits.length * 1000) / given.perSecond
    let startMs = performance.now()
    for (; startMs < dueMs; startMs = performance.now()) await sleep(dueMs - startMs)
    if (given.isOver(startMs)) return commits
    await commit(commits.length)
    commits.push({ dueMs, startMs, endMs: performance.now() })
  }
}

/** For so many ms; a timer of Node.js is set in whole ones. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, Math.max(1, Math.floor(ms)))
  })
}
