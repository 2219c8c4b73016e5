import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Type, type TSchema } from 'typebox'
import { compileValidator } from './validator-compiler.ts'

const closed = { additionalProperties: false } as const

const validate = (schema: TSchema, value: unknown, httpPart = 'querystring') =>
  compileValidator({ schema, httpPart })(value)

const query = Type.Object(
  {
    whole: Type.Optional(Type.Integer({ minimum: -10, maximum: 1e6 })),
    number: Type.Optional(Type.Number()),
    flag: Type.Optional(Type.Boolean()),
    text: Type.Optional(Type.String()),
    list: Type.Optional(Type.Array(Type.Integer())),
  },
  closed,
)

describe('compileValidator, for text', () => {
  const right: readonly (readonly [given: object, value: object])[] = [
    [
      { whole: '7', number: '-1.5', flag: 'true', text: '7' },
      { whole: 7, number: -1.5, flag: true, text: '7' },
    ],
    [
      { whole: '0', number: '0.5', flag: 'false', text: '' },
      { whole: 0, number: 0.5, flag: false, text: '' },
    ],
    [{ list: '1' }, { list: [1] }],
    [{ list: ['1', '2'] }, { list: [1, 2] }],
    [{}, {}],
  ]
  for (const [given, value] of right) {
    it(`reads ${JSON.stringify(given)}`, () => {
      const result = validate(query, given)
      assert.ok('value' in result, JSON.stringify(result))
      assert.deepEqual({ ...(result.value as object) }, value)
    })
  }

  const wrong: readonly object[] = [
    ...[
      '',
      ' 7',
      '7 ',
      '1.5',
      '0x7',
      '7e0',
      '07',
      '+7',
      '--7',
      'true',
      'Infinity',
      'NaN',
      '٣',
      '9999999',
    ].map((whole) => ({ whole })),
    { whole: ['1', '2'] },
    ...['1', '0', '', 'yes', 'TRUE'].map((flag) => ({ flag })),
    { text: ['a', 'b'] },
    { list: ['1', 'x'] },
    { unknown: '1' },
    JSON.parse('{"__proto__":"1"}') as object,
    { constructor: '1' },
  ]
  for (const given of wrong) {
    it(`refuses ${JSON.stringify(given)}`, () => {
      const result = validate(query, given)
      assert.ok('error' in result && result.error.length > 0)
    })
  }

  it('reads every whole number as it was written, and nothing that was not', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.integer({ min: -10, max: 1e6 }).map(String), fc.string()),
        (whole) => {
          const result = validate(query, { whole })
          const isPlain = String(Number(whole)) === whole && Number.isInteger(Number(whole))
          const isInRange = Number(whole) >= -10 && Number(whole) <= 1e6
          if ('value' in result)
            assert.equal(
              String((result.value as { whole: number }).whole),
              whole === '-0' ? '0' : whole,
            )
          else assert.ok(!(isPlain && isInRange), whole)
        },
      ),
    )
  })
})

describe('compileValidator, for a body', () => {
  const body = Type.Object(
    { n: Type.Integer({ default: 3 }), flag: Type.Optional(Type.Boolean()) },
    closed,
  )

  it('takes types as they are, and fills in defaults', () => {
    assert.deepEqual(validate(body, {}, 'body'), { value: { n: 3 } })
    for (const value of [
      { n: '3' },
      { n: 1.5 },
      { n: 3, flag: 'true' },
      { n: 3, x: 1 },
      [],
      'x',
      null,
      undefined,
    ]) {
      assert.ok('error' in validate(body, value, 'body'), JSON.stringify(value))
    }
  })
})
