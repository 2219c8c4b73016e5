/** Something that calls back before the next repaint, and how to stop waiting for it. */
export interface FrameSource {
  request(fn: () => void): unknown
}

/**
 * The one path from data to pixels: however much arrives, the page is drawn once for each animation
 * frame. A hidden tab gets no animation frames, so it only records.
 */
export class FramePipeline {
  readonly #source: FrameSource
  readonly #draw: () => void
  #isRequested = false

  constructor(source: FrameSource, draw: () => void) {
    this.#source = source
    this.#draw = draw
  }

  markDirty(): void {
    if (this.#isRequested) return
    this.#isRequested = true
    this.#source.request(() => {
      this.#isRequested = false
      this.#draw()
    })
  }
}
