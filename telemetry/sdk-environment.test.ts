import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { applyDefaults, planSdk, type Environment, type Signal } from './sdk-environment.ts'

const endpoint = 'http://127.0.0.1:4318'

const plans: readonly (readonly [what: string, env: Environment, signals: readonly Signal[]])[] = [
  ['an endpoint', { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }, ['traces', 'metrics']],
  ['one signal’s endpoint', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: endpoint }, ['traces']],
  ['an endpoint for logs', { OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: endpoint }, ['logs']],
  ['an exporter', { OTEL_METRICS_EXPORTER: 'prometheus' }, ['metrics']],
  [
    'an endpoint with one signal off',
    { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_EXPORTER: ' none ' },
    ['metrics'],
  ],
  [
    'an endpoint and logs asked for',
    { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_LOGS_EXPORTER: 'otlp' },
    ['traces', 'metrics', 'logs'],
  ],
]

const nothing: readonly (readonly [what: string, env: Environment])[] = [
  ['an empty environment', {}],
  [
    'variables that name no destination',
    { OTEL_SERVICE_NAME: 'x', OTEL_TRACES_SAMPLER: 'always_on' },
  ],
  ['an empty endpoint', { OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }],
  ['only exporters that are none', { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none' }],
  ['the SDK disabled', { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SDK_DISABLED: 'TRUE' }],
  ['the SDK disabled, with a file', { OTEL_CONFIG_FILE: 'a.yaml', OTEL_SDK_DISABLED: 'true' }],
]

describe('planSdk', () => {
  for (const [what, env, signals] of plans) {
    it(`exports ${signals.join(' and ')} for ${what}`, () => {
      assert.deepEqual(planSdk(env), { hasConfigFile: false, signals })
    })
  }

  for (const [what, env] of nothing) {
    it(`exports nothing for ${what}`, () => {
      assert.equal(planSdk(env), null)
    })
  }

  it('leaves everything to a configuration file', () => {
    assert.equal(planSdk({ OTEL_CONFIG_FILE: 'otel.yaml' })?.hasConfigFile, true)
  })
})

describe('applyDefaults', () => {
  it('fills in what the operator left open, and names every exporter', () => {
    const env: Environment = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }
    applyDefaults(env)
    assert.deepEqual(env, {
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_TIMEOUT: '1500',
      OTEL_BSP_MAX_QUEUE_SIZE: '8192',
      OTEL_BSP_SCHEDULE_DELAY: '1000',
      OTEL_BSP_EXPORT_TIMEOUT: '5000',
      OTEL_NODE_RESOURCE_DETECTORS: 'env,host,os,serviceinstance',
      OTEL_SERVICE_NAME: 'glasspool',
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_METRICS_EXPORTER: 'otlp',
      OTEL_LOGS_EXPORTER: 'none',
    })
  })

  it('overrides nothing', () => {
    const given: Environment = {
      OTEL_EXPORTER_OTLP_TIMEOUT: '9000',
      OTEL_BSP_MAX_QUEUE_SIZE: '1',
      OTEL_BSP_SCHEDULE_DELAY: '2',
      OTEL_BSP_EXPORT_TIMEOUT: '3',
      OTEL_NODE_RESOURCE_DETECTORS: 'all',
      OTEL_SERVICE_NAME: 'shop',
      OTEL_TRACES_EXPORTER: 'console',
      OTEL_METRICS_EXPORTER: 'prometheus',
      OTEL_LOGS_EXPORTER: 'otlp',
    }
    const env = { ...given }
    applyDefaults(env)
    assert.deepEqual(env, given)
  })

  it('leaves a service name in the resource attributes alone', () => {
    const env: Environment = { OTEL_RESOURCE_ATTRIBUTES: 'team=a, service.name=shop' }
    applyDefaults(env)
    assert.equal(env['OTEL_SERVICE_NAME'], undefined)
  })
})
