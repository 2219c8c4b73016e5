import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { tempDatabase } from '../../../testing/temp-db.ts'
import { startChild, type Child } from './child.ts'
import { parseLog, type LogFile } from './log-file.ts'
import type { Copy, LogOrder, Reading } from './numbered-commits.ts'

interface Cleanup {
  after(fn: () => void | Promise<void>): void
}

/** What a killed process has left of a database. Nobody has it open any more: its bytes may be looked at. */
export interface DeadLog {
  readonly database: Buffer
  /** Commits that are in the database already. */
  readonly base: number
  readonly log: LogFile
  /** Lays down a damaged copy, without `-shm`, and says what whoever opens it sees. */
  readCopy(
    damage: { readonly database?: Buffer; readonly log?: Buffer },
    how?: Pick<Copy, 'isPooled'>,
  ): Promise<Reading>
}

/** Makes a log of numbered commits and kills whoever made it. */
export async function deadLog(t: Cleanup, order: Omit<LogOrder, 'path'>): Promise<DeadLog> {
  const path = tempDatabase(t)
  const writer = startChild(t, 'log-writer.ts', { ...order, path } satisfies LogOrder)
  if ((await writer.heard('written')) !== '0') throw new Error('the log could not start over')
  await writer.kill()
  const database = readFileSync(path)
  const log = parseLog(readFileSync(`${path}-wal`))
  /** One for all copies: its start takes longer than a hundred of them. */
  let reader: Child | undefined
  let copyCount = 0
  return {
    database,
    base: order.baseCount,
    log,
    readCopy: async (damage, { isPooled } = { isPooled: false }) => {
      reader ??= startChild(t, 'copies-reader.ts', null)
      copyCount += 1
      const copy: Copy = { path: join(dirname(path), `${copyCount}`, 'copy.sqlite'), isPooled }
      mkdirSync(dirname(copy.path))
      writeFileSync(copy.path, damage.database ?? database)
      writeFileSync(`${copy.path}-wal`, damage.log ?? log.bytes)
      reader.say(copy)
      return JSON.parse(await reader.heard('reading')) as Reading
    },
  }
}
