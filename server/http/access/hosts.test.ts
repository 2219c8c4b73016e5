import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Hosts } from './hosts.ts'

const loopback = new Hosts({ names: [], isLoopback: true, isTls: false })
const named = new Hosts({
  names: ['glasspool.example.com', '10.0.0.5:3000', '[fd00::1]'],
  isLoopback: false,
  isTls: true,
})

describe('Hosts', () => {
  const cases: readonly (readonly [
    hosts: Hosts,
    host: string | undefined,
    port: number | undefined,
    is: boolean,
  ])[] = [
    [loopback, '127.0.0.1:3000', 3000, true],
    [loopback, 'localhost:3000', 3000, true],
    [loopback, 'LOCALHOST:3000', 3000, true],
    [loopback, '[::1]:3000', 3000, true],
    [loopback, 'localhost', 80, true],
    [loopback, 'localhost', 3000, false],
    [loopback, 'localhost:3001', 3000, false],
    [loopback, 'localhost.:3000', 3000, false],
    [loopback, '127.0.0.2:3000', 3000, false],
    [loopback, 'evil.example:3000', 3000, false],
    [loopback, 'localhost:3000@evil.example', 3000, false],
    [loopback, 'localhost:80', undefined, true],
    [loopback, 'evil.example:80', undefined, false],
    [loopback, '', 3000, false],
    [loopback, undefined, 3000, false],
    [named, 'glasspool.example.com', 443, true],
    [named, 'Glasspool.Example.com:8443', 8443, true],
    [named, 'glasspool.example.com.', 443, false],
    [named, 'evil-glasspool.example.com', 443, false],
    [named, '10.0.0.5:3000', 3000, true],
    [named, '10.0.0.5', 3000, false],
    [named, '[fd00::1]:3000', 3000, true],
    [named, 'localhost:3000', 3000, false],
  ]
  for (const [hosts, host, port, is] of cases) {
    const names = hosts === loopback ? 'on loopback' : 'with a list'
    it(`${is ? 'allows' : 'refuses'} ${String(host)} at port ${String(port)} ${names}`, () => {
      assert.equal(hosts.allows(host, port), is)
    })
  }
})
