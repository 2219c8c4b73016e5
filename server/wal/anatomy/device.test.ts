import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deviceName } from './device.ts'

describe('the name of a device', () => {
  const cases: [device: bigint, name: string][] = [
    [0xfe00n, 'fe:00'],
    [0x2an, '00:2a'],
    [0x10_0005n, '00:105'],
    [0x1000_0000_0301n, '1003:01'],
    [0x11_0342n, '103:142'],
    [0x1_0301n, '103:01'],
  ]
  for (const [device, name] of cases) {
    it(`is ${name} for 0x${device.toString(16)}`, () => assert.equal(deviceName(device), name))
  }
})
