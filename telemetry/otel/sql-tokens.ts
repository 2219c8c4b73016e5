/** One piece of SQL. A `literal` is a value that somebody may have typed in; a `parameter` stands for one. */
export interface SqlToken {
  readonly kind: 'space' | 'comment' | 'literal' | 'name' | 'parameter' | 'word' | 'symbol'
  readonly text: string
}

// The first that matches is the token. A quote that is never closed runs to the end, so that the rest of
// a broken statement passes for a literal and not for code.
const anyToken = new RegExp(
  [
    String.raw`(?<space>\s+)`,
    String.raw`(?<comment>--[^\n]*|/\*[\s\S]*?(?:\*/|$))`,
    String.raw`(?<literal>x?'(?:[^']|'')*(?:'|$)|0x[0-9a-f]+|(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?)`,
    '(?<name>"(?:[^"]|"")*(?:"|$)|`(?:[^`]|``)*(?:`|$)|\\[[^\\]]*(?:\\]|$))',
    String.raw`(?<parameter>\?\d*|[:@$][\p{L}_][\p{L}\p{N}_$]*)`,
    String.raw`(?<word>[\p{L}_][\p{L}\p{N}_$]*)`,
    String.raw`(?<symbol>[\s\S])`,
  ].join('|'),
  'giuy',
)

/** Cuts SQL into tokens; together they are the text again. Takes anything, valid SQL or not. */
export function* sqlTokens(sql: string): Generator<SqlToken> {
  for (const match of sql.matchAll(anyToken)) {
    const [kind] = Object.entries(match.groups!).find(([, text]) => text !== undefined)!
    yield { kind: kind as SqlToken['kind'], text: match[0] }
  }
}
