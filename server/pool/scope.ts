import { AsyncLocalStorage } from 'node:async_hooks'
import { assertNotOver, functionReturned } from './call.ts'
import type { PoolError } from './errors.ts'
import type { Hold } from './hold.ts'
import type { Lease } from './lease.ts'
import { Nesting } from './nesting.ts'
import { inSavepoint, inTransaction } from './transaction.ts'

/**
 * A function that was given a lease, for as long as it runs. Whoever asks for a connection from within can
 * be told apart, and told at once when it waits for itself.
 */
export class Scope {
  readonly lease: Lease
  readonly hold: Hold
  readonly parent: Scope | undefined
  readonly nesting = new Nesting()
  /** Ends each scope on the same lease that runs inside of it. */
  readonly inner = new Set<(reason: PoolError) => void>()
  /** Its function has returned. Timers that it has set still run in its context, and are nobody's. */
  isEnded = false

  constructor(lease: Lease, hold: Hold, parent: Scope | undefined) {
    this.lease = lease
    this.hold = hold
    this.parent = parent
  }

  /** Its function has returned: what it has begun on its lease and not awaited is refused, and waited for. */
  async end(): Promise<void> {
    this.isEnded = true
    for (const abandon of this.inner) abandon(functionReturned())
    await this.nesting.settled()
  }

  get isLive(): boolean {
    return !this.isEnded && !this.hold.isReleased
  }

  /** This scope and those around it. */
  *[Symbol.iterator](): Generator<Scope> {
    for (let scope: Scope | undefined = this as Scope; scope !== undefined; scope = scope.parent) {
      if (scope.isLive) yield scope
    }
  }
}

const current = new AsyncLocalStorage<Scope>()

/** The innermost scope that the caller runs in. */
export function currentScope(): Scope | undefined {
  const scope = current.getStore()
  // An ended one would keep all those before it in memory, where each run begins the next.
  return scope === undefined || scope.isLive ? scope : [...scope][0]
}

/**
 * Runs `fn` with a lease, and ends early, by its reason, when the lease is revoked. What was begun in it and not
 * awaited is refused once it has returned, and a nested transaction is waited for.
 */
export function runScope<T>(
  lease: Lease,
  hold: Hold,
  fn: (db: Lease) => T | Promise<T>,
  { isOwner = false }: { readonly isOwner?: boolean } = {},
): Promise<T> {
  const scope = new Scope(lease, hold, currentScope())
  const around = scopeOf(hold)
  return new Promise((resolve, reject) => {
    around?.inner.add(reject)
    const outer = hold.onRevoked
    const onRevoked = (reason: PoolError): void => {
      reject(reason)
      outer?.(reason)
    }
    hold.onRevoked = onRevoked
    // In a function of its own, so that what it throws at once is a rejection too.
    const run = async (): Promise<T> => {
      try {
        return await fn(lease)
      } finally {
        // Else each of many transactions inside of one would stay on the lease.
        if (hold.onRevoked === onRevoked) hold.onRevoked = outer
        around?.inner.delete(reject)
        if (isOwner) hold.isOver = true
        await scope.end()
      }
    }
    current.run(scope, run).then(resolve, reject)
  })
}

/** A transaction inside whatever the lease is in. */
export function nest<T>(lease: Lease, hold: Hold, fn: (db: Lease) => T | Promise<T>): Promise<T> {
  const around = scopeOf(hold)
  const nesting = around?.nesting ?? (hold.nesting ??= new Nesting())
  return nesting.run(async () => {
    assertNotOver(hold)
    if (around?.isEnded === true) throw functionReturned()
    const work = (): Promise<T> => runScope(lease, hold, fn)
    if (hold.transaction !== null || hold.connection.inTransaction) return inSavepoint(hold, work)
    return inTransaction(hold.slot.role === 'writer' ? 'immediate' : 'snapshot', hold, work)
  })
}

function scopeOf(hold: Hold): Scope | undefined {
  for (const scope of currentScope() ?? []) if (scope.hold === hold) return scope
  return undefined
}
