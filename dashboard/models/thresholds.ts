/** How a number stands against its limit. */
export type Level = 'ok' | 'warn' | 'crit'

/** From here on the pool warns that it is near capacity, and so does the tile. */
const NEAR_CAPACITY_RATIO = 0.8
const NEAR_TIMEOUT_RATIO = 0.5
/** Pending frames beyond this many times the checkpoint threshold: checkpoints do not keep up. */
const WAL_BEHIND_RATIO = 2
const WAL_LOST_RATIO = 10

type Value = number | null

const byRatio = (ratio: number, warnFrom: number, critFrom: number): Level =>
  ratio >= critFrom ? 'crit' : ratio >= warnFrom ? 'warn' : 'ok'

export const inUseLevel = (values: {
  readonly inUse: Value
  readonly limit: Value
  readonly waiting: Value
}): Level => {
  const { inUse, limit, waiting } = values
  if (inUse === null || limit === null || limit === 0) return 'ok'
  if (inUse >= limit && (waiting ?? 0) > 0) return 'crit'
  return inUse / limit >= NEAR_CAPACITY_RATIO ? 'warn' : 'ok'
}

/** Nobody should wait; as many callers as connections waiting is a queue that does not drain. */
export const waitingLevel = (waiting: Value, limit: Value): Level => {
  if (waiting === null || waiting === 0) return 'ok'
  return limit !== null && waiting > limit ? 'crit' : 'warn'
}

export const waitLevel = (waitMs: Value, acquireTimeoutMs: number | null): Level =>
  waitMs === null || acquireTimeoutMs === null || acquireTimeoutMs === 0
    ? 'ok'
    : byRatio(waitMs / acquireTimeoutMs, NEAR_TIMEOUT_RATIO, 0.9)

export const failuresLevel = (perSecond: Value): Level => ((perSecond ?? 0) > 0 ? 'crit' : 'ok')

export const walLevel = (pendingFrames: Value, checkpointFrames: number): Level =>
  pendingFrames === null || checkpointFrames === 0
    ? 'ok'
    : byRatio(pendingFrames / checkpointFrames, WAL_BEHIND_RATIO, WAL_LOST_RATIO)
