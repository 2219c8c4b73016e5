import { withoutValue } from './query-text.ts'
import { sqlTokens } from './sql-tokens.ts'

/** What the conventions allow. */
const MAX_SUMMARY_LENGTH = 255
const MAX_SQL_LENGTH = 4096
/** A service has tens of statements; a script that pastes values into them has no end of them. */
const MAX_KNOWN = 500

const known = new Map<string, string>()

/**
 * What a statement does to what, for `db.query.summary` and the span's name: `SELECT product`,
 * `INSERT note SELECT draft`, `CREATE TABLE note`. Operations and targets in their order and spelling, no values.
 * Empty when nothing was recognised; at most 255 characters, cut between words.
 */
export function querySummary(sql: string): string {
  let summary = known.get(sql)
  if (summary === undefined) {
    summary = summarise(sql)
    if (known.size >= MAX_KNOWN) known.clear()
    // A long text comes once, and would be kept whole.
    if (sql.length <= MAX_SQL_LENGTH) known.set(sql, summary)
  }
  return summary
}

const word = String.raw`(?:[\p{L}_][\p{L}\p{N}_$]*|"\w+"|\[\w+\]|${'`\\w+`'})`
const name = String.raw`${word}(?:\.${word})?`
const anyPart = new RegExp(
  [
    // What follows the name of a trigger or a view are statements that this one does not run.
    String.raw`\b(CREATE) (?:TEMP(?:ORARY)? )?(TRIGGER|VIEW) (?:IF NOT EXISTS )?(${name})[^]*`,
    String.raw`\b(CREATE|DROP|ALTER) (?:(?:TEMP(?:ORARY)?|UNIQUE|VIRTUAL) )?(TABLE|INDEX|VIEW|TRIGGER) (?:IF (?:NOT )?EXISTS )?(${name})`,
    // `ON CONFLICT DO UPDATE SET` names no table.
    String.raw`(?<!\bDO )\b(UPDATE) (?:OR \w+ )?(${name})`,
    String.raw`\b(SELECT|INSERT|DELETE)\b`,
    // `IS DISTINCT FROM` compares.
    String.raw`(?<!\bDISTINCT )\b(?:FROM|JOIN|INTO) (?!SELECT\b)(${name})`,
    String.raw`(?<=^|; ?)(PRAGMA|REINDEX|ANALYZE) (${name})`,
    String.raw`(?<=^|; ?)(VALUES|REPLACE|BEGIN|COMMIT|END|ROLLBACK|SAVEPOINT|RELEASE|VACUUM|ANALYZE|REINDEX|ATTACH|DETACH|EXPLAIN)\b`,
  ].join('|'),
  'giu',
)

function summarise(sql: string): string {
  const tokens = [...sqlTokens(sql.slice(0, MAX_SQL_LENGTH))]
  const code = tokens.map(withoutValue).join('').replaceAll(/\s+/g, ' ').replaceAll(' .', '.')
  let summary = ''
  for (const match of code.trim().matchAll(anyPart)) {
    for (const part of match.slice(1)) {
      if (part === undefined) continue
      const longer = `${summary} ${part}`.trimStart()
      if (longer.length > MAX_SUMMARY_LENGTH) return summary
      summary = longer
    }
  }
  return summary
}
