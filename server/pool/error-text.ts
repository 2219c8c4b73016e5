export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Its code, or else its class. */
export function errorCodeOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | null)?.code
  if (typeof code === 'string') return code
  return error instanceof Error ? error.name : 'Error'
}
