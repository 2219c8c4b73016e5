import type { LitestreamView } from '../../../telemetry/protocol.ts'
import type { LitestreamReading } from './watch.ts'

/** As viewers see it. */
export function readLitestream(reading: LitestreamReading | null): LitestreamView | null {
  if (reading === null) return null
  const { readAtMs, numbers, error } = reading
  return {
    readAtMs: Math.floor(readAtMs),
    error: error?.message ?? null,
    walBytes: numbers?.walBytes ?? null,
    checkpoints: numbers?.checkpoints ?? null,
    syncErrors: numbers?.syncErrors ?? null,
    txid: numbers?.txid ?? null,
  }
}
