import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import Database from 'better-sqlite3'

interface Cleanup {
  after(fn: () => void): void
}

type Answer =
  | { readonly rows: readonly Record<string, unknown>[] }
  | { readonly code: string; readonly message: string }

/** Another process with the same file open: it sees what is in the file, and it takes locks. */
export class OtherProcess {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  static async open(t: Cleanup, path: string): Promise<OtherProcess> {
    const child = fork(import.meta.filename, [path])
    t.after(() => void child.kill('SIGKILL'))
    await once(child, 'message')
    return new OtherProcess(child)
  }

  /** One statement at a time; of one without rows the answer is empty. */
  async ask(sql: string): Promise<readonly Record<string, unknown>[]> {
    this.#child.send(sql)
    const [answer] = (await once(this.#child, 'message')) as [Answer]
    if ('rows' in answer) return answer.rows
    throw Object.assign(new Error(answer.message), { code: answer.code })
  }
}

function answer(database: Database.Database, sql: string): Answer {
  try {
    const statement = database.prepare(sql)
    if (statement.reader) return { rows: statement.all() as Record<string, unknown>[] }
    statement.run()
    return { rows: [] }
  } catch (error) {
    const { code = 'Error', message } = error as Error & { code?: string }
    return { code, message }
  }
}

if (process.send !== undefined && process.argv[1] === import.meta.filename) {
  const database = new Database(process.argv[2]!, { timeout: 1000 })
  process.on('message', (sql) => process.send!(answer(database, sql as string)))
  process.send('ready')
}
