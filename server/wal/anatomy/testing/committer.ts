import { Worker } from 'node:worker_threads'
import type { CommitterThreadOptions } from './committer-thread.ts'
import { openMonitor } from './look.ts'
import type { Monitor } from './look.ts'

export interface CommitterOptions {
  readonly path: string
  readonly owner: number
  readonly monitor: Monitor | null
}

/** What it has done so far. */
export interface CommitterReport {
  /** Commits that SQLite has acknowledged. */
  readonly commits: number
  readonly looks: number
  /** Looks that saw another process write. */
  readonly foreignWriters: number
}

// A process of the lock test: a thread that writes, and a main thread that looks at the database every 5 ms.
const { path, owner, monitor } = JSON.parse(process.argv[2]!) as CommitterOptions
const look = monitor === null ? null : openMonitor(monitor, path)
const shared = new SharedArrayBuffer(8)
const state = new Int32Array(shared)
let [looks, foreignWriters] = [0, 0]

const workerData: CommitterThreadOptions = { path, owner, shared }
const thread = new Worker(new URL('committer-thread.ts', import.meta.url), { workerData })
const say = (): void => {
  const report: CommitterReport = { commits: Atomics.load(state, 0), looks, foreignWriters }
  process.send?.(report, undefined, {}, () => undefined)
}
const timer = setInterval(() => {
  if (look !== null) {
    const writerPid = look()?.writerPid ?? null
    looks += 1
    if (writerPid !== null && writerPid !== process.pid) foreignWriters += 1
  }
  say()
}, 5)
process.once('message', () => Atomics.store(state, 1, 1))
process.once('disconnect', () => Atomics.store(state, 1, 1))
thread.once('exit', () => {
  clearInterval(timer)
  if (!process.connected) return
  say()
  process.disconnect?.()
})
