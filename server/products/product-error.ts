/** One field that was refused, in the shape of the HTTP error envelope. */
export interface RefusedField {
  readonly field: string
  readonly rule: string
  readonly message: string
}

export type ProductErrorCode = 'NOT_FOUND' | 'VALIDATION' | 'DATABASE_FOREIGN' | 'DATABASE_NEWER'

/**
 * A refusal by the products service.
 *
 * - `NOT_FOUND`: no such product.
 * - `VALIDATION`: `details` names the part of the request and the fields.
 * - `DATABASE_FOREIGN`: the file holds tables of something else; nothing was changed.
 * - `DATABASE_NEWER`: a later version has migrated the file; nothing was changed.
 */
export class ProductError extends Error {
  override readonly name = 'ProductError'
  readonly code: ProductErrorCode
  readonly details: Readonly<Record<string, unknown>> | undefined

  constructor(
    code: ProductErrorCode,
    message: string,
    details?: Readonly<Record<string, unknown>>,
  ) {
    super(message)
    this.code = code
    this.details = details
  }
}

/** A `VALIDATION` of one field. */
export function refused(part: 'querystring' | 'body', field: RefusedField): ProductError {
  return new ProductError('VALIDATION', `${part}/${field.field} ${field.message}`, {
    part,
    fields: [field],
  })
}

export const productNotFound = (id: number): ProductError =>
  new ProductError('NOT_FOUND', `There is no product ${id}.`)
