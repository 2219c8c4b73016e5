import { EventEmitter } from 'node:events'
import type { ServerFrame } from '../../../telemetry/protocol.ts'
import type { ViewerSocket } from '../viewer.ts'

/** The server's end of a websocket whose other end is the test. */
export class TestSocket extends EventEmitter {
  /** What arrived at the viewer. */
  readonly frames: ServerFrame[] = []
  readonly rawFrames: Buffer[] = []
  bufferedAmount = 0
  closedWith: number | null = null
  isTerminated = false
  pingCount = 0
  /** A viewer that is there answers a close at once; a dead one never. */
  answersClose = true

  get asViewer(): ViewerSocket {
    return this as unknown as ViewerSocket
  }

  send(frame: Buffer): void {
    this.rawFrames.push(frame)
    this.frames.push(JSON.parse(frame.toString()) as ServerFrame)
  }

  close(code: number): void {
    this.closedWith ??= code
    if (this.answersClose) this.emit('close')
  }

  terminate(): void {
    this.isTerminated = true
    this.emit('close')
  }

  ping(): void {
    this.pingCount += 1
  }

  /** The viewer sends a message. */
  say(message: unknown): void {
    const text = typeof message === 'string' ? message : JSON.stringify(message)
    this.emit('message', Buffer.from(text), false)
  }

  /** The viewer acknowledges everything that it has got. */
  ackAll(): void {
    const last = this.frames.findLast(([type]) => numbered.has(type))
    if (last !== undefined) this.say(['ack', last[1]])
  }

  /** The numbers of the frames that have one of their own. */
  get seqs(): number[] {
    return this.frames.filter(([type]) => numbered.has(type)).map((frame) => frame[1])
  }

  types(): string[] {
    return this.frames.map(([type]) => type)
  }
}

const numbered = new Set<string>(['tick', 'state', 'event'])
