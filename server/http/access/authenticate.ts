import type { FastifyRequest } from 'fastify'
import { HttpError } from '../http-error.ts'

/**
 * Lets through whoever has proved who they are, whatever they may do.
 * @throws {UNAUTHENTICATED}
 */
export function authenticate(request: FastifyRequest): void {
  if (request.access !== 'none') return
  throw new HttpError(
    'UNAUTHENTICATED',
    'Log in first: open the link that the server has printed, or send Authorization: Bearer.',
  )
}

/**
 * Lets administrators through. Comes after `authenticate`, so that 401 and 403 stay two answers.
 * @throws {FORBIDDEN}
 */
export function authorizeAdmin(request: FastifyRequest): void {
  if (request.access === 'admin') return
  throw new HttpError('FORBIDDEN', 'This needs the administrator’s token.')
}
