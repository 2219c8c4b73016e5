import { statementHeads } from '../sql-statements.ts'

/** BEGIN, COMMIT and ROLLBACK, past comments and empty statements; `ROLLBACK TO` a savepoint is the caller's own affair. */
const CONTROL =
  /^(?:[\s;]|--[^\n]*\n|\/\*[\s\S]*?\*\/)*(?:begin|commit|end|rollback(?!\s+(?:transaction\s+)?to))\b/i

/** Whether one statement begins or ends a transaction. */
export function isControl(sql: string): boolean {
  return CONTROL.test(sql)
}

/** Whether a statement of a script does. */
export function hasControl(script: string): boolean {
  // The statements in the body of a trigger are not run, and its END ends nothing else.
  let isInTrigger = false
  for (const head of statementHeads(script)) {
    if (isInTrigger) isInTrigger = head[0] !== 'end'
    else if (isControl(head.join(' '))) return true
    else isInTrigger = isTrigger(head)
  }
  return false
}

function isTrigger([verb, second, third]: readonly string[]): boolean {
  const isTemporary = second === 'temp' || second === 'temporary'
  return verb === 'create' && (isTemporary ? third : second) === 'trigger'
}
