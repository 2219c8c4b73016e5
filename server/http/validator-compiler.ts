import type { FastifyError } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import Value from 'typebox/value'

export interface RequestPart {
  readonly schema: unknown
  /** `body`, `querystring`, `params` or `headers`. */
  readonly httpPart?: string
}

type FieldError = NonNullable<FastifyError['validation']>[number]

type Validate = (value: unknown) => { readonly value: unknown } | { readonly error: FieldError[] }

/**
 * Checks one part of a request against its schema, and fills in defaults.
 *
 * A body has to have the right types itself. A query string, a path and headers are all text, and only
 * there is text read as a number or a boolean, if it is written plainly: `1.5` is no whole number, and
 * neither ` 7`, `0x7`, `7e0` nor nothing at all is 7. Nothing is ever removed: what is not known is refused.
 */
export function compileValidator({ schema, httpPart }: RequestPart): Validate {
  const known = schema as TSchema
  const compiled = Compile(known)
  const read = httpPart === 'body' ? bodyReader(known) : textReader(known)
  return (given) => {
    const value = read(given)
    return compiled.Check(value)
      ? { value }
      : { error: compiled.Errors(value).flatMap((error) => toErrors(error)) }
  }
}

/** As much of a JSON schema as tells what a text stands for. */
interface Shape {
  readonly type?: string
  readonly items?: Shape
  readonly properties?: Readonly<Record<string, Shape>>
  readonly default?: unknown
}

type Reader = (given: unknown) => unknown

const bodyReader =
  (schema: TSchema): Reader =>
  (given) =>
    Value.Default(schema, given)

function textReader({ properties = {} }: Shape): Reader {
  const shapes = new Map(Object.entries(properties))
  const defaults = [...shapes].filter(([, shape]) => shape.default !== undefined)
  return (given) => {
    // Without a prototype: a parameter may be called `__proto__`, and is then refused like any other.
    const value: Record<string, unknown> = Object.create(null)
    for (const [name, shape] of defaults) value[name] = shape.default
    for (const [name, text] of Object.entries(given as object)) {
      const shape = shapes.get(name)
      value[name] = shape === undefined ? text : readValue(shape, text)
    }
    return value
  }
}

function readValue({ type, items }: Shape, text: unknown): unknown {
  if (type === 'array') {
    const texts = Array.isArray(text) ? (text as unknown[]) : [text]
    return items === undefined ? texts : texts.map((item) => readValue(items, item))
  }
  if (typeof text !== 'string') return text
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  const isNumeric = type === 'integer' || type === 'number'
  return isNumeric && /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text) ? Number(text) : text
}

/** In the words of Fastify, with one entry for each field that is missing or not known. */
function toErrors(error: FieldError): FieldError[] {
  const { keyword, params } = error
  // TypeBox tells of a field that is not known twice.
  if (keyword === 'boolean') return []
  const [list, name] = listed[keyword] ?? []
  const fields = list === undefined ? undefined : params[list]
  if (!Array.isArray(fields) || name === undefined) return [{ ...error, message: wordsOf(error) }]
  return fields.map((field) => ({
    ...error,
    params: { [name]: field },
    message: keyword === 'required' ? 'is missing' : 'is not known',
  }))
}

const listed: Readonly<Record<string, readonly [string, string]>> = {
  required: ['requiredProperties', 'missingProperty'],
  additionalProperties: ['additionalProperties', 'additionalProperty'],
}

function wordsOf({ keyword, params, message }: FieldError): string {
  const { allowedValues } = params
  if (keyword === 'enum' && Array.isArray(allowedValues)) {
    return `must be one of ${allowedValues.join(', ')}`
  }
  return message ?? 'is not valid'
}
