import { readFile, readdir, stat } from 'node:fs/promises'

/**
 * Whether a process's command line, its words apart by spaces or as the kernel gives it, is Litestream's own. The
 * Node.js wrapper of its package is not: it starts Litestream as a child, and has no database open itself.
 */
export function isLitestreamCommand(command: string): boolean {
  const [program = ''] = command.trimStart().split(/[\s\0]/, 1)
  return /(?:^|[/\\])litestream(?:\.exe)?$/i.test(program)
}

/**
 * The process id of a Litestream that has this database open; `null` when none is seen. Linux only, and only in our
 * process namespace: a Litestream in another container, or of another user, stays unseen.
 *
 * The file is compared by device and number, through `stat`: it is never opened.
 */
export async function findLitestream(path: string, procFolder = '/proc'): Promise<number | null> {
  try {
    const database = await stat(path)
    const pids = (await readdir(procFolder)).filter((name) => /^\d+$/.test(name))
    for (const pid of pids) {
      const command = await readFile(`${procFolder}/${pid}/cmdline`, 'utf8').catch(() => '')
      if (!isLitestreamCommand(command)) continue
      if (await hasOpen(`${procFolder}/${pid}/fd`, database)) return Number(pid)
    }
  } catch {
    // No such file, or no process table: nobody is seen.
  }
  return null
}

async function hasOpen(
  folder: string,
  file: { readonly dev: number; readonly ino: number },
): Promise<boolean> {
  const names = await readdir(folder).catch((): string[] => [])
  for (const name of names) {
    const found = await stat(`${folder}/${name}`).catch(() => null)
    if (found !== null && found.dev === file.dev && found.ino === file.ino) return true
  }
  return false
}
