import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Subject } from './rounds.ts'
import type { DrainCase } from './wal-drain.ts'
import type { OverlapCase } from './wal-overlap.ts'
import type { SteadyCase } from './wal-steady.ts'
import type { WALCase } from './wal-subject.ts'

const ROWS = 50_000

export const STEADY: SteadyCase = { rows: ROWS, sampleMs: 10_000, perSecond: 1000 }

export const OVERLAP: OverlapCase = {
  rows: ROWS,
  sampleMs: 8000,
  perSecond: 1000,
  readers: 4,
  holdMs: 30,
}

export const DRAIN: Omit<DrainCase, 'path'> = {
  rows: ROWS,
  backlogBytes: 400e6,
  perSecond: 1000,
  aroundMs: 1000,
}

type WithoutPath<T> = T extends unknown ? Omit<T, 'path'> : never

/** One sample of one checkpointer, in a process and on a database that are gone afterwards. */
export async function takeSample<Sample>(
  name: string,
  given: WithoutPath<WALCase>,
): Promise<Sample> {
  const directory = mkdtempSync(join(tmpdir(), 'glasspool-bench-'))
  const path = join(directory, 'wal.sqlite')
  const subject = new Subject<WALCase, Sample>('wal-subject.ts', name)
  try {
    return await subject.sample({ ...given, path } as WALCase)
  } finally {
    await subject.close()
    rmSync(directory, { recursive: true, force: true })
  }
}
