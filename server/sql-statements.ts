/**
 * Linear in the text: no alternative can match what another one has matched. A doubled quote is two literals
 * side by side, and whatever is not closed reaches to the end, as SQLite reads it.
 */
const TOKEN =
  /\s+|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'[^']*'?|"[^"]*"?|`[^`]*`?|\[[^\]]*\]?|[\p{L}\p{N}_$]+|[\s\S]/gu

/** `EXPLAIN QUERY PLAN PRAGMA schema.name =` has 8, `CREATE UNIQUE INDEX IF NOT EXISTS temp.` too. */
const HEAD_TOKENS = 10

/**
 * The first tokens of each statement of a script, in lower case, without comments and quotes. The
 * semicolons in a trigger's body count as ends too, so there may be more of them than SQLite sees.
 */
export function* statementHeads(sql: string): Generator<readonly string[], void, undefined> {
  let head: string[] = []
  for (const [token] of sql.matchAll(TOKEN)) {
    if (token === ';') {
      if (head.length > 0) yield head
      head = []
    } else if (head.length < HEAD_TOKENS && !isBlank(token)) {
      head.push(unquoted(token).toLowerCase())
    }
  }
  if (head.length > 0) yield head
}

/** Whether more than one statement may be in it. */
export function isScript(sql: string): boolean {
  const heads = statementHeads(sql)
  heads.next()
  return heads.next().done !== true
}

/**
 * The pragma that this statement gives a value, `undefined` when it is no pragma or only asks. Also behind
 * EXPLAIN: some pragmas do their work while they are compiled.
 */
export function assignedPragma(head: readonly string[]): string | undefined {
  const start = head[0] === 'explain' ? (head[1] === 'query' ? 3 : 1) : 0
  if (head[start] !== 'pragma') return undefined
  const name = head[start + 2] === '.' ? start + 3 : start + 1
  return head[name + 1] === '=' || head[name + 1] === '(' ? head[name] : undefined
}

function isBlank(token: string): boolean {
  return /^(?:\s|--|\/\*)/.test(token)
}

function unquoted(token: string): string {
  return /^['"`[]/.test(token) ? token.replace(/^.([\s\S]*?)['"`\]]?$/, '$1') : token
}
