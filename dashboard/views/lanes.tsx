import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { Lane } from '../components/lane.tsx'
import type { LaneItem } from '../components/lane.tsx'
import { timeOfDay } from '../format.ts'
import { clusters } from '../models/mark-log.ts'
import type { MarkCluster } from '../models/mark-log.ts'
import type { Lane as LaneName, Tone } from '../models/marks.ts'
import type { Shown } from '../models/page-view.ts'

const lanes: readonly {
  readonly lane: LaneName
  readonly name: string
  readonly testId: string
}[] = [
  { lane: 'checkpoint', name: 'checkpoints', testId: 'checkpoint-marks' },
  { lane: 'change', name: 'changes', testId: 'change-marks' },
  { lane: 'fault', name: 'faults', testId: 'fault-marks' },
]

/** Two marks nearer than a finger is wide become one with a count. */
const CLUSTER_PX = 24
const USUAL_WIDTH_PX = 1000

/** What happened, in lanes below the axis of the chart above. */
export function Lanes({ shown }: { readonly shown: Shown }): JSX.Element {
  const host = useRef<HTMLDivElement>(null)
  const [widthPx, setWidthPx] = useState(USUAL_WIDTH_PX)
  useLayoutEffect(() => {
    const sizes = new ResizeObserver(([entry]) => setWidthPx(entry!.contentRect.width))
    sizes.observe(host.current!)
    return () => sizes.disconnect()
  }, [])
  const { span } = shown
  const windowMs = span.toMs - span.fromMs
  const minDistanceMs = (windowMs * CLUSTER_PX) / Math.max(1, widthPx)
  return (
    <div class="lanes">
      <div class="lanes-ruler" ref={host} />
      {lanes.map(({ lane, name, testId }) => (
        <Lane
          key={lane}
          name={name}
          testId={testId}
          items={clusters(shown.marks, lane, { ...span, minDistanceMs }).map((cluster) =>
            laneItem(cluster, span),
          )}
        />
      ))}
    </div>
  )
}

/** As many of a cluster as a hint has room for. */
const LISTED_COUNT = 6

function laneItem(cluster: MarkCluster, span: Shown['span']): LaneItem {
  const { marks } = cluster
  const worst = marks.reduce((a, b) => (toneRank[b.tone] > toneRank[a.tone] ? b : a))
  const left = (cluster.atMs - span.fromMs) / (span.toMs - span.fromMs)
  return {
    id: marks[0]!.id,
    left: Math.min(1, Math.max(0, left)),
    tone: worst.tone,
    isHatched: marks.some(({ isPartial }) => isPartial),
    count: marks.length,
    lines: marks.slice(-LISTED_COUNT).map((mark) => ({
      title: mark.title,
      detail: [timeOfDay(mark.atMs), mark.detail].filter((text) => text !== '').join(' · '),
    })),
  }
}

const toneRank: Readonly<Record<Tone, number>> = { neutral: 0, ok: 1, warn: 2, crit: 3 }
