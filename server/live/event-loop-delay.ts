import { monitorEventLoopDelay } from 'node:perf_hooks'

const RESOLUTION_MS = 20

/** The event loop's p99 delay between the last reading but one and now. */
export interface EventLoopDelay {
  /** In ms; `null` when the loop was not looked at since. */
  read(): number | null
  stop(): void
}

/**
 * Node measures the time between two turns of a timer of its own, so an idle loop reads as the timer's
 * period: that is taken off. It runs outside of JavaScript and does not keep the process alive.
 *
 * There are two monitors, read and reset in turn. A monitor forgets at its reset when its timer last
 * turned, and so misses a delay that begins then (Node 26); the other one has seen it.
 */
export function watchEventLoopDelay(): EventLoopDelay {
  const monitors = [RESOLUTION_MS, RESOLUTION_MS].map((resolution) =>
    monitorEventLoopDelay({ resolution }),
  )
  for (const monitor of monitors) monitor.enable()
  let turn = 0
  return {
    read() {
      const monitor = monitors[turn]!
      turn = 1 - turn
      if (monitor.count === 0) return null
      const delayMs = monitor.percentile(99) / 1e6 - RESOLUTION_MS
      monitor.reset()
      return Math.max(0, Math.round(delayMs * 1000) / 1000)
    },
    stop() {
      for (const monitor of monitors) monitor.disable()
    },
  }
}
