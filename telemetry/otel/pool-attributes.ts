import type { Attributes } from '@opentelemetry/api'
import type { PoolView } from '../pool-view.ts'
import type { Role } from '../stats.ts'
import { ATTRIBUTE } from './attributes.ts'

/** Which database. There is no `server.address`: a file has none, and its directory is nobody's business. */
export function databaseAttributes(view: PoolView): Attributes {
  return { [ATTRIBUTE.system]: 'sqlite', [ATTRIBUTE.namespace]: view.stats.namespace }
}

/** Which pool on it. */
export function poolAttributes(view: PoolView): Attributes {
  return { [ATTRIBUTE.poolName]: view.stats.name, ...databaseAttributes(view) }
}

/** Which half of the pool. */
export function laneAttributes(view: PoolView, role: Role): Attributes {
  return { ...poolAttributes(view), [ATTRIBUTE.role]: role }
}

/** How a statement failed: SQLite's own code is also the status code, one of ours is not. */
export function statementErrorAttributes(errorCode: string): Attributes {
  const error = { [ATTRIBUTE.errorType]: errorCode }
  return errorCode.startsWith('SQLITE_') ? { ...error, [ATTRIBUTE.statusCode]: errorCode } : error
}
