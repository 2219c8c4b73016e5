import type { WalView } from '../../telemetry/protocol.ts'
import type { Reference } from '../components/chart-spec.ts'
import { framesToBytes } from '../models/wal-size.ts'

/** The limits that are near enough to be seen: one far above would press the lines to the floor. */
export function walLimits(wal: WalView | null): Reference[] {
  if (wal === null) return []
  const { checkpointFrames, limitBytes, sizeBytes } = wal
  const references: Reference[] = []
  if (checkpointFrames > 0) {
    references.push({ value: framesToBytes(checkpointFrames, wal), label: 'checkpoint' })
  }
  if (limitBytes > 0 && (sizeBytes ?? 0) >= limitBytes / 2) {
    references.push({ value: limitBytes, label: 'limit' })
  }
  return references
}
