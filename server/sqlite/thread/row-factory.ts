import type { Row } from '../../pool/connection.ts'

type RowFactory = (values: readonly unknown[]) => Row

/** Statements with a fixed text need few; generated ones must not grow the process. */
const MAX_FACTORIES = 500

const factories = new Map<string, RowFactory>()

/**
 * Makes row objects out of arrays of values. The function is compiled once for each list of columns:
 * seven times cheaper than filling an object name by name, and all rows share one hidden class. Names
 * are quoted as JSON and computed, so that no name is code and `__proto__` is a property like others.
 */
export function rowFactory(columns: readonly string[]): RowFactory {
  // A name may hold any character, so that joined names would not be unique.
  const key = JSON.stringify(columns)
  const known = factories.get(key)
  if (known !== undefined) return known
  if (factories.size >= MAX_FACTORIES) factories.clear()
  const factory = compile(columns)
  factories.set(key, factory)
  return factory
}

function compile(columns: readonly string[]): RowFactory {
  const properties = columns.map((name, i) => `[${JSON.stringify(name)}]: values[${i}]`)
  // oxlint-disable-next-line typescript/no-implied-eval -- text made of quoted names and numbers only
  return new Function('values', `return { ${properties.join(', ')} }`) as RowFactory
}
