/** The standard variables, `process.env` or what a test puts in its place. */
export type Environment = Record<string, string | undefined>

const SIGNALS = ['TRACES', 'METRICS', 'LOGS'] as const
export type Signal = Lowercase<(typeof SIGNALS)[number]>

/** What the operator asked for by the standard variables. */
export interface SdkPlan {
  /** A file describes everything; no other variable counts then. */
  readonly hasConfigFile: boolean
  /** Signals that go somewhere. */
  readonly signals: readonly Signal[]
}

/**
 * Ours where the standard's would hurt; what the operator sets wins.
 *
 * - A collector that hangs costs 1.5 s at shutdown, not 10.
 * - A statement that blocks the loop for 2 s must not overflow the span queue, nor a crash lose 5 s of spans.
 * - The `process` detector exports the command line, and with it whatever secret was written there.
 */
export const DEFAULTS: Readonly<Record<string, string>> = {
  OTEL_EXPORTER_OTLP_TIMEOUT: '1500',
  OTEL_BSP_MAX_QUEUE_SIZE: '8192',
  OTEL_BSP_SCHEDULE_DELAY: '1000',
  OTEL_BSP_EXPORT_TIMEOUT: '5000',
  OTEL_NODE_RESOURCE_DETECTORS: 'env,host,os,serviceinstance',
}

/** The service's name unless the operator gives one. */
export const DEFAULT_SERVICE_NAME = 'glasspool'

/**
 * Reads the plan; `null` when nothing is to be exported. A signal is exported when its exporter is named, or
 * when there is an endpoint for it. The SDK alone would send every signal to localhost:4318, unasked.
 */
export function planSdk(env: Environment): SdkPlan | null {
  if (env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true') return null
  const hasConfigFile = isSet(env['OTEL_CONFIG_FILE'])
  const signals = SIGNALS.filter((signal) => exporterOf(env, signal) !== 'none')
  if (!hasConfigFile && signals.length === 0) return null
  return { hasConfigFile, signals: signals.map((signal) => signal.toLowerCase() as Signal) }
}

/** Fills in what the operator left open. The SDK reads `process.env`, so this is where it has to be. */
export function applyDefaults(env: Environment): void {
  for (const [name, value] of Object.entries(DEFAULTS)) {
    if (!isSet(env[name])) env[name] = value
  }
  const isNamed =
    isSet(env['OTEL_SERVICE_NAME']) ||
    /(?:^|,)\s*service\.name\s*=/.test(env['OTEL_RESOURCE_ATTRIBUTES'] ?? '')
  if (!isNamed) env['OTEL_SERVICE_NAME'] = DEFAULT_SERVICE_NAME
  for (const signal of SIGNALS) env[`OTEL_${signal}_EXPORTER`] = exporterOf(env, signal)
}

function exporterOf(env: Environment, signal: (typeof SIGNALS)[number]): string {
  const named = env[`OTEL_${signal}_EXPORTER`]
  if (isSet(named)) return named.trim()
  // Pool and server write their log to stdout: records of it are sent only when asked for.
  const hasEndpoint = signal !== 'LOGS' && isSet(env['OTEL_EXPORTER_OTLP_ENDPOINT'])
  return hasEndpoint || isSet(env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`]) ? 'otlp' : 'none'
}

const isSet = (value: string | undefined): value is string => (value?.trim() ?? '') !== ''
