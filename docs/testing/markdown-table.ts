/**
 * The table between `<!-- name -->` and `<!-- /name -->`, each row by its headings.
 *
 * @throws when there is none, or a row has another number of cells
 */
export function readTable(markdown: string, name: string): Record<string, string>[] {
  const text = markdown.split(`<!-- ${name} -->`)[1]?.split(`<!-- /${name} -->`)[0]
  if (text === undefined) throw new Error(`there is no table "${name}"`)
  const lines = text.split('\n').filter((line) => line.startsWith('|'))
  const [headings, , ...rows] = lines.map(cellsOf)
  if (headings === undefined || rows.length === 0) throw new Error(`the table "${name}" is empty`)
  return rows.map((cells) => {
    if (cells.length !== headings.length) {
      throw new Error(
        `a row of the table "${name}" has ${cells.length} cells: ${cells.join(' | ')}`,
      )
    }
    return Object.fromEntries(headings.map((heading, i) => [heading, cells[i]!]))
  })
}

function cellsOf(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())
}
