import assert from 'node:assert/strict'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { CLOSE_CODES } from '../../telemetry/protocol.ts'
import { until } from '../testing/until.ts'
import { openPage, type Page } from './testing/page.ts'
import { rig } from './testing/rig.ts'

describe('what pages may send', () => {
  const masked = (head: readonly number[], payload: Buffer): Buffer =>
    Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), payload])
  const cases: readonly { name: string; send: (page: Page) => void; code: number }[] = [
    { name: 'no frame', send: (page) => page.socket.send('hello'), code: 1008 },
    {
      name: 'a binary ack',
      send: (page) => page.socket.send(Buffer.from('["ack",0]')),
      code: 1008,
    },
    {
      name: 'an ack of the future',
      send: (page) => page.socket.send('["ack",1000000]'),
      code: 1008,
    },
    {
      name: 'more than 4 KiB',
      send: (page) => page.socket.send(JSON.stringify(['rate', 'x'.repeat(5000)])),
      code: 1009,
    },
    {
      name: 'a flood',
      send: (page) => {
        for (let i = 0; i < 100; i += 1) page.socket.send('["rate",1]')
      },
      code: CLOSE_CODES.tooManyMessages,
    },
    {
      name: 'a flood of pings',
      send: (page) => {
        for (let i = 0; i < 100; i += 1) page.socket.ping()
      },
      code: CLOSE_CODES.tooManyMessages,
    },
    {
      name: 'a frame without a mask',
      send: (page) => page.write(Buffer.from([0x81, 0])),
      code: 1002,
    },
    {
      name: 'a reserved bit',
      send: (page) => page.write(masked([0xc1, 0x80], Buffer.alloc(0))),
      code: 1002,
    },
    {
      name: 'an unknown opcode',
      send: (page) => page.write(masked([0x83, 0x80], Buffer.alloc(0))),
      code: 1002,
    },
    {
      name: 'half a ping',
      send: (page) => page.write(masked([0x09, 0x80], Buffer.alloc(0))),
      code: 1002,
    },
    {
      name: 'a text that is no UTF-8',
      send: (page) => page.write(masked([0x81, 0x81], Buffer.from([0xff]))),
      code: 1007,
    },
    {
      name: 'a frame of 2^63 bytes',
      send: (page) => page.write(masked([0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0], Buffer.alloc(0))),
      code: 1009,
    },
  ]
  for (const { name, send, code } of cases) {
    it(`is not ${name}: ${code}`, async (t) => {
      const { app, turn } = await rig(t)
      const [page, other] = [await openPage(t, app), await openPage(t, app)]
      page.acknowledges = false
      send(page)
      assert.equal(await page.closed, code)
      await until(() => app.live.viewerCount === 1)
      await turn(1, other)
    })
  }

  it('is heard even in the packet of the upgrade', async (t) => {
    const { app } = await rig(t)
    const { port } = app.server.address() as AddressInfo
    const socket = connect(port, '127.0.0.1')
    t.after(() => socket.destroy())
    let answer = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => (answer = Buffer.concat([answer, chunk])))
    const upgrade = [
      'GET /api/v1/live HTTP/1.1',
      'Host: 127.0.0.1',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      '\r\n',
    ].join('\r\n')
    socket.write(Buffer.concat([Buffer.from(upgrade), masked([0x81, 0x81], Buffer.from('x'))]))
    const closeFrame = Buffer.from([0x03, 0xf0])
    await until(() => answer.includes(closeFrame))
    assert.match(answer.toString('latin1'), /^HTTP\/1\.1 101 /)
    assert.equal(app.live.viewerCount, 0)
  })
})
