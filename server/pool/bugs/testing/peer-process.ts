// One pool in a process of its own and on real timers, because it may starve them, or leave an error that nobody hears:
// `peer-process.ts SCENARIO POOL` prints one line of JSON.
import { openOnTime, type PoolName, type TestPool } from './pools.ts'
import type { TestTime } from './test-time.ts'

/** Whatever happens, it ends: after so many attempts to open, or so many ticks of a timer. */
const MAX_ATTEMPTS = 5000
const MAX_TICKS = 20

export interface Findings {
  readonly attemptCount: number
  readonly tickCount: number
  readonly isServed: boolean
  /** Rejections that nobody heard. */
  readonly strayCount: number
}

const scenarios: Readonly<Record<string, (pool: TestPool) => Promise<boolean>>> = {
  /** Nothing can be opened. */
  'failing-factory': async (pool) => {
    pool.database.opening = () => {
      if (pool.database.attemptCount >= MAX_ATTEMPTS) end()
      return new Error('cannot open')
    }
    await pool.acquire()
    return true
  },
  /** What looks at a connection, or cleans it, throws. */
  'failing-check': async (pool) => {
    const lease = await pool.acquire()
    await lease.releaseAs('raises')
    await pool.acquire()
    return true
  },
}

let tickCount = 0
let strayCount = 0
let isServed = false
const noTime = (): never => {
  throw new Error('time passes by itself here')
}
const time: TestTime = { fire: noTime, advance: noTime, jumpDate: noTime }
const [scenario, name] = process.argv.slice(2) as [string, PoolName]
const pool = openOnTime(name, { size: 1, isChecked: true, timeoutMs: 60_000 }, time)

function end(): never {
  const { attemptCount } = pool.database
  const findings: Findings = { attemptCount, tickCount, isServed, strayCount }
  process.stdout.write(`${JSON.stringify(findings)}\n`)
  process.exit(0)
}

process.on('unhandledRejection', () => (strayCount += 1))
setInterval(() => {
  tickCount += 1
  if (tickCount >= MAX_TICKS) end()
}, 1)
scenarios[scenario]!(pool).then(
  (result) => (isServed = result),
  () => undefined,
)
