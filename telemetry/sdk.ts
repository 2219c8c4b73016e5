import { diag, DiagLogLevel } from '@opentelemetry/api'
import type { Span } from '@opentelemetry/api'
import { SdkDiagnostics, type TelemetryLog } from './sdk-diagnostics.ts'
import { applyDefaults, planSdk, type Environment, type SdkPlan } from './sdk-environment.ts'

/** A collector that does not answer holds up the end of the process for this long at most. */
export const SHUTDOWN_LIMIT_MS = 2000

/** The running SDK. */
export interface Telemetry {
  /**
   * Sends what is still held back and stops. Never rejects, and resolves within `SHUTDOWN_LIMIT_MS`; what
   * could not be sent by then is lost, and the log says so. May be called twice.
   *
   * A retry of the exporter may keep the event loop alive for a moment longer: leave by `process.exit`.
   */
  shutdown(): Promise<void>
}

/**
 * Starts the OpenTelemetry SDK by the standard `OTEL_*` variables, or returns `null` without having loaded
 * anything when they name no exporter. Call it before Fastify is imported: its requests become spans too.
 * It never throws: wrong settings are told to `log`, and the server runs without telemetry.
 *
 * @param env `process.env`: it is completed with our defaults, because that is where the SDK reads.
 */
export async function startTelemetry(
  env: Environment,
  log: TelemetryLog,
): Promise<Telemetry | null> {
  const plan = planSdk(env)
  if (plan === null) return null
  if (!plan.hasConfigFile) applyDefaults(env)
  const diagnostics = new SdkDiagnostics(log)
  try {
    const shutdown = await startSdk(plan, { diagnostics, level: levelOf(env['OTEL_LOG_LEVEL']) })
    diagnostics.started()
    const what = plan.hasConfigFile ? 'as its configuration file says' : plan.signals.join(', ')
    log.info(`OpenTelemetry: exporting ${what}`)
    let ending: Promise<void> | undefined
    return { shutdown: () => (ending ??= endWithin(SHUTDOWN_LIMIT_MS, shutdown, log)) }
  } catch (error) {
    log.warn({ err: error }, 'OpenTelemetry could not be started; the server runs without it')
    return null
  }
}

async function startSdk(
  plan: SdkPlan,
  { diagnostics, level }: { diagnostics: SdkDiagnostics; level: DiagLogLevel },
): Promise<() => Promise<void>> {
  const { NodeSDK, startNodeSdk } = await import('@opentelemetry/sdk-node')
  const { FastifyOtelInstrumentation } = await import('@fastify/otel')
  // The SDK installs a logger of its own, on the console, when OTEL_LOG_LEVEL is set.
  const hearDiagnostics = (): void => {
    diag.setLogger(diagnostics, { logLevel: level, suppressOverrideMessage: true })
  }
  hearDiagnostics()
  const requests = new FastifyOtelInstrumentation({
    registerOnInitialization: true,
    instrumentHooks: false,
    ignorePaths: ({ url }) => ownTraffic.test(pathOf(url)),
    requestHook: nameRequest,
    lifecycleHook: (span, { hookName }) => void span.updateName(hookName),
  })
  const instrumentations = [requests]
  let sdk: { shutdown(): Promise<void> }
  if (plan.hasConfigFile) {
    sdk = startNodeSdk({ instrumentations })
  } else {
    // Said in code, because the variable's `none` makes the SDK warn that it will not start.
    const withoutTraces = plan.signals.includes('traces') ? {} : { spanProcessors: [] }
    const nodeSdk = new NodeSDK({ instrumentations, ...withoutTraces })
    hearDiagnostics()
    nodeSdk.start()
    sdk = nodeSdk
  }
  hearDiagnostics()
  return () => {
    requests.disable()
    return sdk.shutdown()
  }
}

/** Watching must not fill the traces of what is watched. */
const ownTraffic = /^\/(?:dashboard|livez|readyz|health|api\/v1\/(?:live|history))(?:\/|$)/

interface RequestLike {
  readonly method: string
  readonly url: string
  /** The route's pattern; none for a path that nobody serves. */
  readonly routeOptions: { readonly url?: string | undefined }
}

/** The instrumentation calls every request `request`, and exports its query with the path. */
function nameRequest(span: Span, request: RequestLike): void {
  const { url: route } = request.routeOptions
  span.updateName(route === undefined ? request.method : `${request.method} ${route}`)
  span.setAttribute('url.path', pathOf(request.url))
}

function pathOf(url: string): string {
  const end = url.indexOf('?')
  return end === -1 ? url : url.slice(0, end)
}

function levelOf(name: string | undefined): DiagLogLevel {
  const level = DiagLogLevel[(name ?? '').trim().toUpperCase() as keyof typeof DiagLogLevel]
  return level ?? DiagLogLevel.WARN
}

async function endWithin(
  limitMs: number,
  shutdown: () => Promise<void>,
  log: TelemetryLog,
): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<'late'>()
  const timer = setTimeout(resolve, limitMs, 'late')
  try {
    if ((await Promise.race([shutdown(), late])) === 'late') {
      log.warn({ limitMs }, 'OpenTelemetry: the collector did not answer; the last spans are lost')
    }
  } catch (error) {
    log.warn({ err: error }, 'OpenTelemetry: the last export failed')
  } finally {
    clearTimeout(timer)
  }
}
