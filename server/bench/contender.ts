/** A pool as the acquire benchmark sees it. */
export interface Contender<L = unknown> {
  acquire(): Promise<L>
  release(lease: L): Promise<void> | void
  close(): Promise<void>
}

/** Opens a pool of so many connections. */
export type OpenContender = (size: number) => Promise<Contender>

/** What each of them gives a caller to wait: 30 s, as a service would. So each has deadlines to keep. */
export const WAIT_LIMIT_MS = 30_000
