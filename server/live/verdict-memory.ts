import type { Verdict } from '../../telemetry/protocol.ts'
import { verdictRules } from './verdict.ts'
import type { Finding, Rule } from './verdict.ts'

/** While the code stays, the sentence changes at most so often; it may name what has just ended. */
export const SENTENCE_HOLD_MS = 2000

/** Samples are at most a second apart, and a little late: two of them in a row are one episode. */
const SAMPLE_GAP_MS = 1500

/** One rule that holds, or held a moment ago. */
interface Trace {
  readonly sinceAtMs: number
  lastAtMs: number
  sentence: string
  sentenceAtMs: number
}

/**
 * Turns findings of single moments into a verdict that stands still: a rule speaks only after `afterMs`,
 * and for `lingerMs` after it last held; `sinceAtMs` is when it began to hold.
 */
export class VerdictMemory {
  readonly #traces = new Map<string, Trace>()
  #spoken: Verdict | null = null

  observe(findings: readonly Finding[], atMs: number): Verdict {
    for (const finding of findings) this.#note(finding, atMs)
    const rule = verdictRules.find((candidate) => this.#speaks(candidate, atMs))!
    const trace = this.#traces.get(rule.code)!
    const isSame = this.#spoken?.code === rule.code
    // Good health always holds; what counts is since when there was nothing worse to say.
    const beganAtMs = rule.level === 'healthy' ? atMs : trace.sinceAtMs
    this.#spoken = {
      level: rule.level,
      code: rule.code,
      sentence: trace.sentence,
      sinceAtMs: isSame ? this.#spoken!.sinceAtMs : beganAtMs,
    }
    return this.#spoken
  }

  #note({ rule, sentence }: Finding, atMs: number): void {
    const trace = this.#traces.get(rule.code)
    if (trace === undefined || atMs - trace.lastAtMs > Math.max(rule.lingerMs, SAMPLE_GAP_MS)) {
      this.#traces.set(rule.code, {
        sinceAtMs: atMs,
        lastAtMs: atMs,
        sentence,
        sentenceAtMs: atMs,
      })
      return
    }
    trace.lastAtMs = atMs
    if (sentence === trace.sentence || atMs - trace.sentenceAtMs < SENTENCE_HOLD_MS) return
    trace.sentence = sentence
    trace.sentenceAtMs = atMs
  }

  #speaks(rule: Rule, atMs: number): boolean {
    const trace = this.#traces.get(rule.code)
    if (trace === undefined) return false
    const hasLasted = trace.lastAtMs - trace.sinceAtMs >= rule.afterMs
    return hasLasted && atMs - trace.lastAtMs <= rule.lingerMs
  }
}
