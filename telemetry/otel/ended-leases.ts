import type { SpanContext } from '@opentelemetry/api'

/** Of each connection: a checkpoint tells some ms after it has seen who was in its way. */
const MAX_PER_CONNECTION = 8
/** A lease may end after its connection has; of those nobody tells when to forget them. */
const MAX_CONNECTIONS = 512

interface EndedLease {
  readonly leaseId: number
  readonly context: SpanContext
}

/**
 * Where to find the spans of leases that ended: the latest of each connection. So the lease whose statement was given
 * up, and still runs, is there for as long as it does: its connection has no other meanwhile.
 */
export class EndedLeases {
  readonly #ofConnection = new Map<number, EndedLease[]>()

  note(connectionId: number, leaseId: number, context: SpanContext): void {
    const ended = this.#ofConnection.get(connectionId)
    if (ended === undefined) {
      if (this.#ofConnection.size === MAX_CONNECTIONS) {
        this.#ofConnection.delete(this.#ofConnection.keys().next().value!)
      }
      this.#ofConnection.set(connectionId, [{ leaseId, context }])
      return
    }
    if (ended.length === MAX_PER_CONNECTION) ended.shift()
    ended.push({ leaseId, context })
  }

  find(connectionId: number, leaseId: number): SpanContext | undefined {
    const ended = this.#ofConnection.get(connectionId)
    return ended?.find((lease) => lease.leaseId === leaseId)?.context
  }

  forget(connectionId: number): void {
    this.#ofConnection.delete(connectionId)
  }
}
