import { sqlTokens } from './sql-tokens.ts'

/** Characters of SQL that a span carries. */
export const MAX_QUERY_TEXT_LENGTH = 4096

/**
 * The SQL for `db.query.text`. With parameters in it, it is what the developer wrote and stays as it is. Without,
 * as in `exec`, somebody may have pasted values in: literals become `?` and comments go. Long text is cut.
 */
export function queryText(sql: string): string {
  const isLong = sql.length > MAX_QUERY_TEXT_LENGTH
  // A literal that the cut leaves open still counts as one.
  const text = isLong ? sql.slice(0, MAX_QUERY_TEXT_LENGTH) : sql
  const tokens = [...sqlTokens(text)]
  const isParameterised = tokens.some(({ kind }) => kind === 'parameter')
  const safe = isParameterised ? text : tokens.map(withoutValue).join('')
  return isLong ? `${safe}…` : safe
}

/** A token as it may be shown to anybody. */
export function withoutValue({
  kind,
  text,
}: {
  readonly kind: string
  readonly text: string
}): string {
  if (kind === 'literal') return '?'
  return kind === 'comment' ? ' ' : text
}
