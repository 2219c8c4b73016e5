import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { WALHolder } from './events.ts'
import { describePin } from './pin-text.ts'

const nobody: WALHolder = { kind: 'unknown', lease: null, stack: null, pid: null, command: null }
const lease = { connectionId: 3, leaseId: 30, heldMs: 1, label: 'GET /old', sql: null, trace: null }

describe('describePin', () => {
  const cases: [holder: Partial<WALHolder>, text: string][] = [
    [{ kind: 'lease', lease }, 'GET /old on connection 3'],
    [{ kind: 'lease', lease: { ...lease, label: null } }, 'lease 30 on connection 3'],
    [{ kind: 'iterator', lease }, 'an iterator left open by GET /old on connection 3'],
    [
      { kind: 'process', pid: 71, command: '/usr/bin/sqlite3 shop.db' },
      'process 71 (sqlite3 shop.db)',
    ],
    [
      { kind: 'process', pid: 71, command: `node ${'x'.repeat(90)}` },
      `process 71 (node ${'x'.repeat(54)}…)`,
    ],
    [{ kind: 'process', pid: 71 }, 'process 71'],
    [{ pid: 1 }, 'a connection of this process outside of the pool'],
    [{}, 'a reader that cannot be seen from here'],
  ]
  for (const [holder, text] of cases) {
    it(text, () => assert.equal(describePin({ holder: { ...nobody, ...holder } }), text))
  }
})
