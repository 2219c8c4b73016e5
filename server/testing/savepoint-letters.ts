/** Savepoints have numbers that go on from test to test: from the first one they are a, b, c, d. */
export function lettered(calls: readonly string[]): string[] {
  const names: string[] = []
  return calls.map((sql) =>
    sql.replaceAll(/glasspool_\d+/g, (name) => {
      if (!names.includes(name)) names.push(name)
      return 'abcd'[names.indexOf(name)]!
    }),
  )
}
