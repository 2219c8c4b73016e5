/** Entries kept; above it neighbours are merged, the older time winning. */
const MAX_MARKS = 256
/** New frames per second up to which a log counts as quiet: a trickle, not a load. */
const QUIET_FRAMES_PER_SECOND = 64

/**
 * What successive probes tell about a log: how old its oldest pending frame is, and for how long
 * hardly anything was written. Both are as exact as the probe is frequent.
 */
export class LogActivity {
  /** Frames up to `frames` were there at `atMs`. Ascending. */
  #marks: { readonly frames: number; readonly atMs: number }[] = []
  #frames = 0
  #backfilled = 0
  #observedAtMs: number | null = null
  #loudAtMs = Number.NEGATIVE_INFINITY

  /** Hears one probe. */
  observe(frames: number, backfilledFrames: number, nowMs: number): void {
    // Only a log that started over can go back: its frames are all new.
    const isRestarted = frames < this.#frames || backfilledFrames < this.#backfilled
    if (isRestarted) this.#marks = []
    const grownFrames = isRestarted ? frames : frames - this.#frames
    const elapsedMs = nowMs - (this.#observedAtMs ?? nowMs)
    if (grownFrames * 1000 > QUIET_FRAMES_PER_SECOND * Math.max(elapsedMs, 250))
      this.#loudAtMs = nowMs
    if (grownFrames > 0) this.#marks.push({ frames, atMs: nowMs })
    this.#marks = this.#marks.filter((mark) => mark.frames > backfilledFrames)
    if (this.#marks.length > MAX_MARKS) this.#merge()
    this.#frames = frames
    this.#backfilled = backfilledFrames
    this.#observedAtMs = nowMs
  }

  /** Age of the oldest frame not yet copied back; 0 when there is none. */
  oldestPendingMs(nowMs: number): number {
    const first = this.#marks[0]
    return first === undefined ? 0 : nowMs - first.atMs
  }

  /** Time since more than a trickle was written; infinite before the first write was seen. */
  quietMs(nowMs: number): number {
    return nowMs - this.#loudAtMs
  }

  #merge(): void {
    const merged: { readonly frames: number; readonly atMs: number }[] = []
    for (let i = 0; i < this.#marks.length; i += 2) {
      const older = this.#marks[i]!
      merged.push({ frames: (this.#marks[i + 1] ?? older).frames, atMs: older.atMs })
    }
    this.#marks = merged
  }
}
