import type { Hold } from './hold.ts'
import type { Lane } from './lane.ts'
import type { Scope } from './scope.ts'

/**
 * Whether a caller inside `scope` that now asks for a connection of `lane` would wait for itself: every
 * connection of the lane is held by scopes that wait in turn, in lanes of which the same is true.
 *
 * A call that is begun inside a scope counts as awaited there; a lease without a scope may come back at any time.
 */
export function isDeadlock(lane: Lane, scope: Scope, lanes: readonly Lane[]): boolean {
  const stuck = new Set(lanes)
  for (;;) {
    const blocked = blockedHolds(stuck)
    if (stuck.has(lane)) for (const { hold } of scope) blocked.add(hold)
    const moving = [...stuck].filter(
      (one) => one.canMove || one.holds().some((hold) => !blocked.has(hold)),
    )
    if (moving.length === 0) return stuck.has(lane)
    for (const one of moving) stuck.delete(one)
  }
}

/** Those whose scope waits in one of the lanes, or for all of its readers. */
function blockedHolds(stuck: ReadonlySet<Lane>): Set<Hold> {
  const blocked = new Set<Hold>()
  for (const lane of stuck) {
    if (lane.raisedBy !== null) blocked.add(lane.raisedBy)
    for (const { scope } of lane.waiters) for (const { hold } of scope ?? []) blocked.add(hold)
  }
  return blocked
}
