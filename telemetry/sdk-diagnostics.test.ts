import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { QUIET_MS, SdkDiagnostics } from './sdk-diagnostics.ts'

describe('SdkDiagnostics', () => {
  let nowMs: number
  let told: (readonly [details: unknown, message: string])[]
  let diagnostics: SdkDiagnostics

  beforeEach(() => {
    nowMs = 0
    told = []
    const log = {
      info: (message: string): void => void told.push([null, message]),
      warn: (details: object, message: string): void => void told.push([details, message]),
    }
    diagnostics = new SdkDiagnostics(log, () => nowMs)
  })

  it('passes on everything while the SDK starts', () => {
    diagnostics.warn('one')
    diagnostics.warn('two')
    diagnostics.error('three')
    assert.deepEqual(
      told.map(([, message]) => message),
      ['OpenTelemetry: one', 'OpenTelemetry: two', 'OpenTelemetry: three'],
    )
  })

  it('tells of a dead collector once a minute, and how often it kept silent', () => {
    diagnostics.started()
    for (let i = 0; i < 5; i += 1) diagnostics.error('refused')
    nowMs = QUIET_MS - 1
    diagnostics.warn('refused')
    assert.equal(told.length, 1)
    nowMs = QUIET_MS
    diagnostics.error('refused')
    assert.deepEqual(told[1], [
      { source: 'opentelemetry', level: 'error', leftOutCount: 5 },
      'OpenTelemetry: refused',
    ])
    nowMs = 2 * QUIET_MS
    diagnostics.error('refused')
    assert.deepEqual(told[2]?.[0], { source: 'opentelemetry', level: 'error', leftOutCount: 0 })
  })

  it('says an error in words and not as the JSON that the SDK makes of it', () => {
    const text = JSON.stringify({
      stack: 'at …',
      name: 'OTLPExporterError',
      message: 'Bad Gateway',
    })
    diagnostics.error(text)
    assert.equal(told[0]?.[1], 'OpenTelemetry: OTLPExporterError: Bad Gateway')
  })

  it('passes on as it is what only looks like JSON', () => {
    for (const text of ['{"half":', '{}', 'null', '7']) diagnostics.error(text)
    assert.deepEqual(
      told.map(([, message]) => message),
      ['OpenTelemetry: {"half":', 'OpenTelemetry: {}', 'OpenTelemetry: null', 'OpenTelemetry: 7'],
    )
  })

  it('passes on what OTEL_LOG_LEVEL asked for', () => {
    diagnostics.info('a')
    diagnostics.debug('b')
    diagnostics.verbose('c')
    assert.equal(told.length, 3)
  })
})
