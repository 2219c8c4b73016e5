import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { toErrorReply } from './error-envelope.ts'
import { errorTable, type ErrorCode } from './error-table.ts'
import { HttpError } from './http-error.ts'
import { nextRequestId } from './request-id.ts'

/** How long a client that was refused may take to read why. */
const LINGER_MS = 1000

const codes: Readonly<Record<string, ErrorCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_BIG',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'TOO_BIG',
}

/** Answers what is no HTTP, or too slow or too big for it: no request exists, so all that we have is the socket. */
export function handleClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable || isAnswering(socket)) {
    socket.destroy()
    return
  }
  const code = codes[error.code ?? ''] ?? 'BAD_REQUEST'
  socket.end(responseText(code))
  // A peer that neither reads nor hangs up would keep the socket half open.
  socket.setTimeout(LINGER_MS, () => socket.destroy())
}

/** Whether a part of another answer is on the wire: ours would end up in its middle. */
const isAnswering = (socket: Socket): boolean =>
  (socket as { _httpMessage?: { headersSent: boolean } | null })._httpMessage?.headersSent === true

function responseText(code: ErrorCode): string {
  const error = new HttpError(code, errorTable[code].message ?? '')
  const { status, body } = toErrorReply(error, { requestId: nextRequestId(), isRead: false })
  const json = JSON.stringify(body)
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(json)}`,
    'Cache-Control: no-store',
    'Connection: close',
    '',
    json,
  ].join('\r\n')
}
