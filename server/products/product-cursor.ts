import { hash } from 'node:crypto'
import { refused } from './product-error.ts'
import { listLimits, type ResolvedFilters } from './product-filters.ts'

/** A row's place in its order: the sorted value, and the id that tells equal ones apart. */
export interface Position {
  /** `null` where the order is that of the ids. */
  readonly key: string | number | Uint8Array | null
  readonly id: number
}

/**
 * A position as opaque text, bound to the list it came from: the next page of other filters or of another
 * order would silently skip and repeat products. It holds nothing secret, and a forged one reads nothing
 * that the list does not show.
 */
export function encodeCursor(position: Position, filters: ResolvedFilters): string {
  const content = JSON.stringify([listMark(filters), position.key, position.id])
  return Buffer.from(content).toString('base64url')
}

/** @throws {VALIDATION} when it is no cursor, or one of another list. */
export function decodeCursor(cursor: string, filters: ResolvedFilters): Position {
  const content = parse(cursor)
  if (content === undefined) {
    throw refused('querystring', {
      field: 'cursor',
      rule: 'cursor',
      message: 'is no nextCursor of this service',
    })
  }
  const [mark, key, id] = content
  if (mark !== listMark(filters)) {
    throw refused('querystring', {
      field: 'cursor',
      rule: 'cursor',
      message: 'belongs to another sort or other filters: start again without it',
    })
  }
  return { key, id }
}

type Content = readonly [mark: string, key: Position['key'], id: number]

function parse(cursor: string): Content | undefined {
  if (cursor.length > listLimits.cursorLength) return undefined
  try {
    const content: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    return isContent(content) ? content : undefined
  } catch {
    return undefined
  }
}

function isContent(content: unknown): content is Content {
  if (!Array.isArray(content) || content.length !== 3) return false
  const [mark, key, id] = content as unknown[]
  const isKey = key === null || typeof key === 'string' || Number.isSafeInteger(key)
  return typeof mark === 'string' && isKey && Number.isSafeInteger(id)
}

/** Tells lists apart; the limit may change from page to page. */
function listMark({ sort, category, minPrice, maxPrice, search }: ResolvedFilters): string {
  const list = JSON.stringify([sort, category, minPrice, maxPrice, search])
  return hash('sha256', list, 'base64url').slice(0, 12)
}
