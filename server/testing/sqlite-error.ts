/** As the driver throws it, with its code for a message. */
export function sqliteError(code: string): Error {
  return Object.assign(new Error(code), { code })
}
