import { signal } from '@preact/signals'
import type { Signal } from '@preact/signals'
import type { CheckpointMode, CheckpointOutcome } from '../../telemetry/protocol.ts'
import { bytes, duration, group, plural, toText } from '../format.ts'
import type { Api } from './api.ts'
import { outcomeWords } from './checkpoint-words.ts'

/** Each mode, and what it costs the others. */
export const CHECKPOINT_CHOICES: readonly {
  readonly mode: CheckpointMode
  readonly consequence: string
}[] = [
  { mode: 'PASSIVE', consequence: 'Copies what it can. Nobody waits for it.' },
  { mode: 'FULL', consequence: 'Waits for readers, copies everything. Writers wait meanwhile.' },
  { mode: 'RESTART', consequence: 'As FULL, and the next write starts the log over.' },
  { mode: 'TRUNCATE', consequence: 'As RESTART, and cuts the file to zero bytes.' },
]

/** What `POST /api/admin/checkpoint` answers, as far as the page reads it. */
interface CheckpointAnswer {
  readonly mode: CheckpointMode
  readonly outcome: CheckpointOutcome
  readonly log: number | null
  readonly checkpointed: number | null
  readonly movedFrames: number
  readonly durationMs: number
  readonly sizeBeforeBytes: number | null
  readonly sizeAfterBytes: number | null
}

export interface CheckpointReport {
  readonly isGood: boolean
  readonly text: string
}

/** Asks for a checkpoint and says in one sentence what came of it. */
export class CheckpointCommand {
  readonly isRunning: Signal<boolean> = signal(false)
  readonly report: Signal<CheckpointReport | null> = signal(null)
  readonly #api: Api
  readonly #onUnauthenticated: () => void

  constructor(api: Api, onUnauthenticated: () => void) {
    this.#api = api
    this.#onUnauthenticated = onUnauthenticated
  }

  async run(mode: CheckpointMode): Promise<void> {
    if (this.isRunning.value) return
    this.isRunning.value = true
    this.report.value = null
    const reply = await this.#api.post<CheckpointAnswer>('admin/checkpoint', { mode })
    this.isRunning.value = false
    switch (reply.kind) {
      case 'ok':
        this.report.value = describe(reply.body)
        break
      case 'unauthenticated':
        this.#onUnauthenticated()
        break
      case 'rate_limited':
        this.report.value = bad('Too many requests. Try again in a moment.')
        break
      case 'refused':
        this.report.value = bad(
          reply.message === '' ? `Refused (${reply.status}).` : `Refused: ${reply.message}`,
        )
        break
      case 'unreachable':
        this.report.value = bad('The server did not answer; whether it ran is unknown.')
        break
    }
  }
}

const bad = (text: string): CheckpointReport => ({ isGood: false, text })

function describe(answer: CheckpointAnswer): CheckpointReport {
  const { outcome, log, checkpointed, durationMs, sizeBeforeBytes, sizeAfterBytes } = answer
  const copied =
    log === null || checkpointed === null
      ? plural(answer.movedFrames, 'frame')
      : `${group(checkpointed)} of ${plural(log, 'frame')}`
  const size =
    sizeBeforeBytes === null || sizeAfterBytes === null
      ? ''
      : ` File ${toText(bytes(sizeBeforeBytes))} → ${toText(bytes(sizeAfterBytes))}.`
  return {
    isGood: outcome === 'complete' || outcome === 'complete_reset' || outcome === 'noop',
    text: `${answer.mode}: ${outcomeWords[outcome] ?? outcome}. ${copied} copied in ${toText(duration(durationMs))}.${size}`,
  }
}
