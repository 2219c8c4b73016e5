/** The public methods and getters of a class and what it extends: `pool.get`. Symbols and `#private` are none. */
export function apiNames(
  subject: string,
  { prototype }: { readonly prototype: object },
): readonly string[] {
  const names = new Set<string>()
  for (
    let level = prototype;
    level !== Object.prototype;
    level = Object.getPrototypeOf(level) as object
  ) {
    for (const name of Object.getOwnPropertyNames(level)) names.add(name)
  }
  names.delete('constructor')
  return [...names].map((name) => `${subject}.${name}`)
}
