import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import type { CheckpointMode, WalView } from '../../telemetry/protocol.ts'
import { bytes, plural, toText } from '../format.ts'
import { CHECKPOINT_CHOICES } from '../models/checkpoint-command.ts'
import type { CheckpointCommand } from '../models/checkpoint-command.ts'

interface CheckpointDialogProps {
  readonly command: CheckpointCommand
  readonly wal: WalView | null
  readonly onClose: () => void
}

/** Says what each mode costs the others before it is asked for, and what came of it after. */
export function CheckpointDialog({ command, wal, onClose }: CheckpointDialogProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null)
  const [mode, setMode] = useState<CheckpointMode>('PASSIVE')
  useLayoutEffect(() => {
    command.report.value = null
    dialog.current!.showModal()
  }, [])
  const report = command.report.value
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="checkpoint-title" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void command.run(mode)
        }}
      >
        <h2 id="checkpoint-title">Checkpoint</h2>
        <p class="hint">{nowText(wal)}</p>
        <fieldset>
          <legend class="sr-only">Mode</legend>
          {CHECKPOINT_CHOICES.map((choice) => (
            <label key={choice.mode} class="choice">
              <input
                type="radio"
                name="mode"
                value={choice.mode}
                checked={choice.mode === mode}
                onChange={() => setMode(choice.mode)}
              />
              <span>
                <b>{choice.mode}</b>
                <span class="choice-text">{choice.consequence}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <p
          class={`report ${report === null ? '' : report.isGood ? 'tone-ok' : 'tone-warn'}`}
          role="status"
          data-testid="checkpoint-report"
        >
          {command.isRunning.value ? 'Running…' : (report?.text ?? '')}
        </p>
        <footer class="dialog-foot">
          <button type="button" class="button" onClick={() => dialog.current!.close()}>
            Close
          </button>
          {/* Not `disabled`: that would take the focus away, and with it the keys of the dialog. */}
          <button
            type="submit"
            class="button button-primary"
            aria-disabled={command.isRunning.value}
          >
            Run {mode}
          </button>
        </footer>
      </form>
    </dialog>
  )
}

function nowText(wal: WalView | null): string {
  if (wal === null || wal.frames === null) return 'The state of the log is not known.'
  const pending = wal.frames - (wal.backfilledFrames ?? 0)
  return `The log holds ${plural(wal.frames, 'frame')}, ${pending.toLocaleString('en-US')} of them pending, in a file of ${toText(bytes(wal.sizeBytes))}.`
}
