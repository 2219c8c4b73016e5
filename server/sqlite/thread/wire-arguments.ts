import type { BindArguments } from '../../pool/connection.ts'

/**
 * Arguments that can cross to a thread and mean there what they mean here. Refused at the call, with
 * the driver's own words, because one value that cannot be cloned would fail every call of its message;
 * and a class instance would arrive as a plain object, which the driver takes.
 *
 * Blobs are copied at the call, so that the caller may go on writing into its own; the copies are added to
 * `transfer`, to be handed over.
 *
 * @throws {TypeError}
 */
export function encodeArguments(args: BindArguments, transfer: Set<ArrayBuffer>): BindArguments {
  return args.every(isPrimitive) ? args : args.map((arg) => encodeArgument(arg, transfer))
}

function encodeArgument(arg: unknown, transfer: Set<ArrayBuffer>): unknown {
  if (Array.isArray(arg)) return arg.map((value) => encodeValue(value, transfer))
  if (!isNamed(arg)) return encodeValue(arg, transfer)
  return Object.fromEntries(
    Object.entries(arg).map(([name, value]) => [name, encodeValue(value, transfer)]),
  )
}

function encodeValue(value: unknown, transfer: Set<ArrayBuffer>): unknown {
  if (isPrimitive(value)) return value
  if (!ArrayBuffer.isView(value)) {
    throw new TypeError('SQLite3 can only bind numbers, strings, bigints, buffers, and null')
  }
  // A small Buffer is a window on a shared slab; its copy has a memory of its own.
  const copy = new Uint8Array(value.byteLength)
  copy.set(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
  transfer.add(copy.buffer)
  return copy
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
