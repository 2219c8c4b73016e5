import assert from 'node:assert/strict'
import { startCollector, type Collector } from './collector.ts'
import { runScenario, type ScenarioRun } from './run-scenario.ts'

interface Cleanup {
  after(fn: () => void | Promise<void>): void
}

/** Runs one of `scenarios.ts` to its end, with a collector that has got everything by then. */
export async function runToCollector(
  t: Cleanup,
  scenario: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly collector: Collector; readonly run: ScenarioRun }> {
  const collector = await startCollector(t)
  const run = await runScenario(t, scenario, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...env })
  assert.equal(run.code, 0, run.log)
  return { collector, run }
}
