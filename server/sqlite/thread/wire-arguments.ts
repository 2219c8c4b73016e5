import type { BindArguments } from '../../pool/connection.ts'

/**
 * Arguments that can cross to a thread and mean there what they mean here. Refused at the call, with
 * the driver's own words, because one value that cannot be cloned would fail every call of its message;
 * and a class instance would arrive as a plain object, which the driver takes.
 *
 * @throws {TypeError}
 */
export function encodeArguments(args: BindArguments): BindArguments {
  return args.every(isPrimitive) ? args : args.map(encodeArgument)
}

function encodeArgument(arg: unknown): unknown {
  if (Array.isArray(arg)) return arg.map(encodeValue)
  if (!isNamed(arg)) return encodeValue(arg)
  return Object.fromEntries(Object.entries(arg).map(([name, value]) => [name, encodeValue(value)]))
}

function encodeValue(value: unknown): unknown {
  if (isPrimitive(value)) return value
  if (!ArrayBuffer.isView(value)) {
    throw new TypeError('SQLite3 can only bind numbers, strings, bigints, buffers, and null')
  }
  // A small Buffer is a window on a shared slab, and a clone takes the whole slab along.
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice()
}

/** Booleans and `undefined` too: what to do with them is for the driver to say. */
function isPrimitive(value: unknown): boolean {
  if (typeof value === 'object') return value === null
  return typeof value !== 'function' && typeof value !== 'symbol'
}

function isNamed(arg: unknown): arg is Record<string, unknown> {
  if (typeof arg !== 'object' || arg === null || ArrayBuffer.isView(arg)) return false
  const prototype: unknown = Object.getPrototypeOf(arg)
  if (prototype === null || prototype === Object.prototype) return true
  if (arg instanceof Date || arg instanceof ArrayBuffer) return false
  throw new TypeError('Named parameters can only be passed within plain objects')
}
