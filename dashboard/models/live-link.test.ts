import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CLOSE_CODES, SUBPROTOCOL } from '../../telemetry/protocol.ts'
import { LiveLink } from './live-link.ts'
import type { SocketListener } from './live-link.ts'
import { FakeClock } from './testing/fake-clock.ts'

interface FakeSocket extends SocketListener {
  readonly address: string
  readonly subprotocol: string
  readonly sent: string[]
  isClosed: boolean
}

class Rig {
  readonly clock = new FakeClock()
  readonly sockets: FakeSocket[] = []
  readonly heard: string[] = []
  readonly link: LiveLink = new LiveLink({
    clock: this.clock,
    random: () => 0.5,
    address: () => '../api/v1/live',
    openSocket: (address, subprotocol, listener) => {
      const socket: FakeSocket = { address, subprotocol, sent: [], isClosed: false, ...listener }
      this.sockets.push(socket)
      return {
        send: (text) => socket.sent.push(text),
        close: () => {
          socket.isClosed = true
        },
      }
    },
    onFrame: (frame) => this.heard.push(frame[0]),
    onRefused: () => this.heard.push('refused'),
    onUnauthenticated: () => this.heard.push('unauthenticated'),
  })

  get socket(): FakeSocket {
    return this.sockets.at(-1)!
  }

  say(...frame: unknown[]): void {
    this.socket.onText(JSON.stringify(frame))
  }

  /** Connected and greeted. */
  goLive(): void {
    this.link.start()
    this.say('hello', 1, {})
  }
}

describe('LiveLink', () => {
  it('asks for its protocol and is live from the hello on', () => {
    const rig = new Rig()
    rig.link.start()
    assert.equal(rig.link.phase.value, 'connecting')
    assert.equal(rig.socket.subprotocol, SUBPROTOCOL)
    rig.say('hello', 1, {})
    assert.equal(rig.link.phase.value, 'live')
    rig.link.start()
    assert.equal(rig.sockets.length, 1)
  })

  it('goes stale after 7 s of silence, disconnects after 15 s, and any frame keeps it live', () => {
    const rig = new Rig()
    rig.goLive()
    rig.clock.advance(6999)
    rig.say('ping', 1, 5)
    rig.clock.advance(6999)
    assert.equal(rig.link.phase.value, 'live')
    rig.clock.advance(1)
    assert.equal(rig.link.phase.value, 'stale')
    rig.say('tick', 2, 5, [])
    assert.equal(rig.link.phase.value, 'live')
    rig.clock.advance(14_999)
    assert.equal(rig.link.phase.value, 'stale')
    rig.clock.advance(1)
    assert.equal(rig.link.phase.value, 'disconnected')
    assert.equal(rig.socket.isClosed, true)
  })

  it('waits 250 ms, doubling to 5 s, and from the start again after a hello', () => {
    const rig = new Rig()
    rig.goLive()
    const waits: number[] = []
    for (let i = 0; i < 7; i += 1) {
      rig.socket.onClose(1006)
      waits.push(rig.link.retryAtMs.value! - rig.clock.nowMs())
      rig.clock.advance(waits.at(-1)!)
      assert.equal(rig.link.phase.value, 'connecting')
    }
    assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 5000, 5000])
    rig.say('hello', 1, {})
    rig.socket.onClose(1006)
    assert.equal(rig.link.retryAtMs.value! - rig.clock.nowMs(), 250)
  })

  it('reports a connection that never said hello, and only that', () => {
    const rig = new Rig()
    rig.goLive()
    rig.socket.onClose(1006)
    assert.deepEqual(rig.heard, ['hello'])
    rig.clock.advance(250)
    rig.socket.onClose(1006)
    assert.deepEqual(rig.heard, ['hello', 'refused'])
  })

  it('gives up a connection that opens and says nothing', () => {
    const rig = new Rig()
    rig.link.start()
    rig.clock.advance(15_000)
    assert.equal(rig.link.phase.value, 'disconnected')
    assert.deepEqual(rig.heard, ['refused'])
  })

  it('reconnects at once when woken, and only when it is disconnected', () => {
    const rig = new Rig()
    rig.goLive()
    rig.link.wake()
    assert.equal(rig.sockets.length, 1)
    rig.socket.onClose(1006)
    rig.link.wake()
    assert.equal(rig.sockets.length, 2)
    rig.clock.advance(10_000)
    assert.equal(rig.sockets.length, 2)
  })

  it('stops when the session has ended', () => {
    const rig = new Rig()
    rig.goLive()
    rig.socket.onClose(CLOSE_CODES.unauthenticated)
    assert.deepEqual(rig.heard, ['hello', 'unauthenticated'])
    assert.equal(rig.link.phase.value, 'off')
    rig.clock.advance(60_000)
    assert.equal(rig.sockets.length, 1)
  })

  it('hears nothing from a socket that it has left', () => {
    const rig = new Rig()
    rig.goLive()
    const old = rig.socket
    rig.link.stop()
    rig.link.start()
    old.onText(JSON.stringify(['tick', 9, 5, []]))
    old.onClose(1006)
    assert.equal(rig.link.phase.value, 'connecting')
    assert.deepEqual(rig.heard, ['hello'])
  })

  it('acknowledges the newest frame, at most ten times a second', () => {
    const rig = new Rig()
    rig.goLive()
    for (let seq = 2; seq <= 50; seq += 1) rig.say('tick', seq, seq, [])
    assert.deepEqual(rig.socket.sent, ['["ack",2]'])
    rig.clock.advance(100)
    assert.deepEqual(rig.socket.sent, ['["ack",2]', '["ack",50]'])
    rig.clock.advance(1000)
    assert.equal(rig.socket.sent.length, 2)
  })

  it('survives what it does not understand', () => {
    const rig = new Rig()
    rig.goLive()
    for (const text of ['', '{', '[]', '["tick"]', '["later",3,{}]', '["tick",2,"x",[]]', 'null']) {
      rig.socket.onText(text)
    }
    assert.deepEqual(rig.heard, ['hello'])
    assert.equal(rig.link.phase.value, 'live')
  })
})
