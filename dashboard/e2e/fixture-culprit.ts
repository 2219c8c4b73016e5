import { describePin } from '../../telemetry/pin-text.ts'
import type { HolderRef, WALHolder, WALHolderKind } from '../../telemetry/protocol.ts'

export const holders = [
  ['GET /api/products', 'SELECT * FROM product WHERE category = ? ORDER BY name LIMIT 50'],
  ['GET /api/products/:id', 'SELECT * FROM product WHERE id = ?'],
  ['GET /api/products/stats', 'SELECT category, count(*), avg(price) FROM product GROUP BY 1'],
  ['GET /api/report', 'SELECT day, sum(total) FROM sale JOIN product USING (id) GROUP BY day'],
] as const
export const REPORT = 3
/** The connection that the trouble comes from. */
export const CULPRIT_ID = 7

/** 32 hexadecimal digits, the same ones for the same number. */
export const traceId = (n: number): string =>
  [1, 2, 3, 4]
    .map((part) => (Math.imul(n * 7 + part, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0'))
    .join('')

export const culprit = (heldMs: number): HolderRef => ({
  connectionId: CULPRIT_ID,
  leaseId: 9000 + CULPRIT_ID,
  heldMs,
  label: holders[REPORT][0],
  sql: holders[REPORT][1],
  trace: { traceId: traceId(CULPRIT_ID), spanId: '00f067aa0ba902b7', isSampled: true },
})

/** Whoever keeps the log, of each kind. */
export function walHolder(kind: WALHolderKind, heldMs: number): WALHolder {
  switch (kind) {
    case 'lease':
    case 'iterator':
      return { kind, lease: culprit(heldMs), stack: null, pid: 4100, command: null }
    case 'process':
      return { kind, lease: null, stack: null, pid: 4711, command: 'sqlite3 /srv/shop/shop.db' }
    case 'unknown':
      return { kind, lease: null, stack: null, pid: null, command: null }
  }
}

export const holderWords = (kind: WALHolderKind): string =>
  describePin({ holder: walHolder(kind, 0) })

/** Whether the trouble is a lease of the pool, and so in the table of leases. */
export const isOfPool = (kind: WALHolderKind): boolean => kind === 'lease' || kind === 'iterator'
