import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Monitor } from './look.ts'
import type { PeerReply, PeerRequest } from './peer.ts'

interface Cleanup {
  after(fn: () => void | Promise<void>): void
}

/** Another process with a connection to the same database, which waits for nobody. */
export interface PeerProcess {
  readonly pid: number
  /** The first value of the first row, or the code of the error. */
  ask(sql: string): Promise<unknown>
  look(monitor: Monitor): Promise<unknown>
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
}

/** Starts one; it is killed at the end of the test. */
export async function startPeer(t: Cleanup, path: string): Promise<PeerProcess> {
  const child = fork(join(import.meta.dirname, 'peer.ts'), [path])
  const exited = once(child, 'exit')
  const kill = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await exited
  }
  t.after(kill)
  const request = async (message: PeerRequest): Promise<unknown> => {
    const replied = once(child, 'message') as Promise<[PeerReply]>
    child.send(message)
    const lost = exited.then(() => Promise.reject(new Error('the peer has ended')))
    const [reply] = await Promise.race([replied, lost])
    return 'errorCode' in reply ? reply.errorCode : reply.value
  }
  await request({ sql: 'SELECT 1' })
  return {
    pid: child.pid!,
    ask: (sql) => request({ sql }),
    look: (monitor) => request({ look: monitor }),
    kill,
  }
}
