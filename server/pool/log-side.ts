import type { Role } from '../../telemetry/stats.ts'
import type { Clock } from './clock.ts'
import { type Holder, PoolError } from './errors.ts'
import type { Hold } from './hold.ts'
import type { Lane } from './lane.ts'
import type { Requests } from './requests.ts'

/** What one lease sees of the database: it is not copied back past it. */
export interface OpenSnapshot {
  readonly role: Role
  readonly holder: Holder
  /** Since when. Epoch ms. */
  readonly sinceMs: number
  /** Nothing runs, and an iterator was not read to its end. */
  readonly isIterator: boolean
}

/** Writers are held back. */
export interface HeldWrites {
  /** From now on they are refused, those who wait already too. */
  refuse(): void
  /** They are served again. */
  end(): void
}

/** It goes before whoever has waited for less than 10 s: writers that wait go on adding to the log. */
const GATE_PRIORITY = 10

/** What whoever looks after the write-ahead log may ask of the pool, and nobody else. */
export class LogSide {
  readonly #reader: Lane
  readonly #writer: Lane
  readonly #requests: Requests
  readonly #clock: Clock

  constructor(parts: {
    readonly reader: Lane
    readonly writer: Lane
    readonly requests: Requests
    readonly clock: Clock
  }) {
    this.#reader = parts.reader
    this.#writer = parts.writer
    this.#requests = parts.requests
    this.#clock = parts.clock
  }

  /** Snapshots that are open on leases, and in statements that were given up; the oldest first. */
  snapshots(): OpenSnapshot[] {
    const nowMs = this.#clock.nowMs()
    return [this.#writer, this.#reader]
      .flatMap((lane) => [...lane.slots].map(({ hold, buried }) => hold ?? buried))
      .filter((hold) => hold?.hasSnapshot === true)
      .map((hold) => this.#describe(hold!, nowMs))
      .sort((a, b) => a.sinceMs - b.sinceMs)
  }

  /** Runs `fn` while nobody of this process writes; those who want to wait in the queue. Rejects as `acquire` does. */
  async gate<T>(fn: () => Promise<T>, { timeoutMs }: { readonly timeoutMs: number }): Promise<T> {
    const options = { label: 'checkpoint', timeoutMs, priority: GATE_PRIORITY }
    const request = { ...this.#requests.ofScope(options, null), isExempt: true }
    await using _lease = await this.#writer.acquire(request)
    return await fn()
  }

  /** From now on whoever wants to begin to read waits. The result ends it, once. */
  holdReads(): () => void {
    return suspended(this.#reader)
  }

  /** From now on whoever wants to write waits, and whoever waits in vain is told this reason. */
  holdWrites(reason: () => PoolError): HeldWrites {
    const writer = this.#writer
    writer.blame(reason, false)
    const resume = suspended(writer)
    return {
      refuse: () => writer.blame(reason, true),
      end: () => {
        writer.blame(null, false)
        resume()
      },
    }
  }

  /** Takes a lease away. `false` when it has ended already. */
  revoke(leaseId: number, why: string): boolean {
    const hold = [this.#reader, this.#writer]
      .flatMap((lane) => lane.holds())
      .find(({ id, isReleased }) => id === leaseId && !isReleased)
    if (hold === undefined) return false
    const reason = new PoolError('LEASE_REVOKED', `${why}, and was taken back`, {
      hint: 'end reads sooner: page through long results, and await nothing slow inside of them',
      holders: [hold.toHolder(this.#clock.nowMs())],
      outcome: hold.slot.role === 'reader' ? 'rolled_back' : 'unknown',
    })
    hold.host.revoke(hold, reason)
    return true
  }

  #describe(hold: Hold, nowMs: number): OpenSnapshot {
    const calls = hold.calls!
    return {
      role: hold.slot.role,
      holder: hold.toHolder(nowMs),
      sinceMs: this.#clock.timeOriginMs + hold.snapshotSinceMs(nowMs),
      isIterator: calls.pendingCount === 0 && calls.cursors.size > 0,
    }
  }
}

function suspended(lane: Lane): () => void {
  lane.suspend()
  let isOver = false
  return () => {
    if (!isOver) lane.resume()
    isOver = true
  }
}
