import { AsyncLocalStorage } from 'node:async_hooks'
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

  constructor(lease: Lease, hold: Hold, parent: Scope | undefined) {
    this.lease = lease
    this.hold = hold
    this.parent = parent
  }

  /** This scope and those around it. */
  *[Symbol.iterator](): Generator<Scope> {
    for (let scope: Scope | undefined = this as Scope; scope !== undefined; scope = scope.parent) {
      if (!scope.hold.isReleased) yield scope
    }
  }
}

const current = new AsyncLocalStorage<Scope>()

/** The innermost scope that the caller runs in. */
export function currentScope(): Scope | undefined {
  return current.getStore()
}

/** Runs `fn` with a lease, and ends early, by its reason, when the lease is revoked. */
export function runScope<T>(
  lease: Lease,
  hold: Hold,
  fn: (db: Lease) => T | Promise<T>,
): Promise<T> {
  const scope = new Scope(lease, hold, current.getStore())
  return new Promise((resolve, reject) => {
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
      }
    }
    current.run(scope, run).then(resolve, reject)
  })
}

/** A transaction inside whatever the lease is in. */
export function nest<T>(lease: Lease, hold: Hold, fn: (db: Lease) => T | Promise<T>): Promise<T> {
  const nesting = scopeOf(hold)?.nesting ?? (hold.nesting ??= new Nesting())
  return nesting.run(() => {
    const work = (): Promise<T> => runScope(lease, hold, fn)
    if (hold.transaction !== null || hold.connection.inTransaction) return inSavepoint(hold, work)
    return inTransaction(hold.slot.role === 'writer' ? 'immediate' : 'snapshot', hold, work)
  })
}

function scopeOf(hold: Hold): Scope | undefined {
  for (const scope of current.getStore() ?? []) if (scope.hold === hold) return scope
  return undefined
}
