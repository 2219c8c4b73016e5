import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FlagError, helpText, readFlags } from './flags.ts'
import { namedMixes } from './mix.ts'

const seed = (): number => 7

function problemsOf(args: readonly string[]): readonly string[] {
  try {
    readFlags(args, seed)
    return []
  } catch (error) {
    assert.ok(error instanceof FlagError, String(error))
    return error.problems
  }
}

describe('readFlags', () => {
  it('has a default for everything', () => {
    assert.deepEqual(readFlags([], seed), {
      url: new URL('http://127.0.0.1:3000'),
      durationMs: 60_000,
      concurrency: 10,
      requestsPerSecond: null,
      mix: namedMixes['mixed'],
      seed: 7,
      isJson: false,
    })
  })

  it('takes every flag', () => {
    const args =
      '--url https://pool.test/shop/ --duration 5m --concurrency=20 --rate 500 --mix 8:1:1 --seed 0 --json'
    assert.deepEqual(readFlags(args.split(' '), seed), {
      url: new URL('https://pool.test/shop/'),
      durationMs: 300_000,
      concurrency: 20,
      requestsPerSecond: 500,
      mix: { reads: 8, writes: 1, heavy: 1 },
      seed: 0,
      isJson: true,
    })
  })

  it('takes the last one of a flag that is given twice', () => {
    const options = readFlags(['--rate', '1', '--rate', '2'], seed)
    assert.ok(options !== 'help' && options.requestsPerSecond === 2)
  })

  it('helps, and names every flag there', () => {
    assert.equal(readFlags(['--help', '--json'], seed), 'help')
    for (const name of ['url', 'duration', 'concurrency', 'rate', 'mix', 'seed', 'json', 'help']) {
      assert.match(helpText, new RegExp(`^ {2}--${name}\\b`, 'm'))
    }
  })

  const wrong: readonly (readonly [args: string, problem: RegExp])[] = [
    ['--concurency 5', /^--concurency is not a flag; did you mean --concurrency\?$/],
    ['--durration=5s', /^--durration is not a flag; did you mean --duration\?$/],
    ['--connections 5', /^--connections is not a flag$/],
    ['--help=yes', /^--help takes no value$/],
    ['-c 5', /^-c is not a flag/],
    ['--__proto__', /^--__proto__ is not a flag/],
    ['60s', /^"60s" is not a flag$/],
    ['--json=true', /^--json takes no value$/],
    ['--duration', /^--duration needs a value$/],
    ['--url', /^--url needs a value$/],
    ['--url=', /^--url is "": it must be an address/],
    ['--url localhost:3000', /^--url is "localhost:3000": it must be an address/],
    ['--url ftp://x', /^--url is "ftp:\/\/x"/],
    ['--url http://u:p@x', /^--url is "http:\/\/u:p@x"/],
    ['--url http://x?a=1', /^--url is "http:\/\/x\?a=1"/],
    ['--duration 60', /^--duration is "60": it must be a time from 100ms to 24h/],
    ['--duration 0s', /^--duration is "0s"/],
    ['--duration -5s', /^--duration/],
    ['--duration 25h', /^--duration is "25h"/],
    ['--duration 1d', /^--duration is "1d"/],
    ['--concurrency 0', /^--concurrency is "0": it must be a whole number from 1 to 10000$/],
    ['--concurrency 1.5', /^--concurrency is "1.5"/],
    ['--concurrency ten', /^--concurrency is "ten"/],
    ['--rate 0', /^--rate is "0": it must be a whole number from 1 to 1000000$/],
    ['--rate 1e3', /^--rate is "1e3"/],
    ['--mix fast', /^--mix is "fast": it must be three weights/],
    ['--mix 0:0:0', /^--mix is "0:0:0"/],
    ['--mix 1:2', /^--mix is "1:2"/],
    ['--mix constructor', /^--mix is "constructor"/],
    ['--seed -1', /^--seed/],
    ['--seed 4294967296', /^--seed is "4294967296"/],
  ]
  for (const [args, problem] of wrong) {
    it(`refuses ${args}`, () => {
      const problems = problemsOf(args.split(' '))
      assert.equal(problems.length, 1, problems.join('\n'))
      assert.match(problems[0]!, problem)
    })
  }

  it('names all that is wrong at once', () => {
    assert.equal(problemsOf(['--rates', '5', '--mix', 'x', '--json=1', '--seed', 'y']).length, 4)
  })
})
