import assert from 'node:assert/strict'
import { ATTRIBUTE_VALUES } from '../otel/attributes.ts'
import type { DecodedAttributes } from './decode.ts'

/** Only attributes of the table, and only with its values. */
export function assertKnown(
  attributes: DecodedAttributes,
  allowed: readonly string[],
  where: string,
): void {
  for (const [key, value] of Object.entries(attributes)) {
    assert.ok(allowed.includes(key), `${where} carries ${key}`)
    const values = ATTRIBUTE_VALUES[key as keyof typeof ATTRIBUTE_VALUES]
    if (values !== undefined)
      assert.ok(values.includes(String(value)), `${key} is ${String(value)}`)
  }
}
