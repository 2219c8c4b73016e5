// Compiles interrupt.c into `dist/interrupt/` (or the folder given as the only argument). The pool works
// without it: then a cancelled statement ends between two rows or at its own end. So whatever is missing here is
// one line on stderr and exit code 0.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

// Without `import.meta.dirname`, which older versions of Node.js do not have.
const here = dirname(fileURLToPath(import.meta.url))
const source = join(here, 'interrupt.c')

/** Where `interruptLibrary()` in extension.ts looks, in the checkout and in the published package. */
function defaultFolder() {
  const top = resolve(here, '..', '..', '..')
  return basename(top) === 'dist' ? join(top, 'interrupt') : join(top, 'dist', 'interrupt')
}

/** Compiles it unless what is there is up to date. Never throws. */
export function buildInterrupt(outDir = defaultFolder()) {
  try {
    build(resolve(outDir))
  } catch (error) {
    process.stderr.write(
      `glasspool: the interrupt extension is not built: ${firstLine(error.message)}\n`,
    )
  }
}

function build(outDir) {
  const library = join(outDir, `interrupt-${process.platform}-${process.arch}.so`)
  const stampFile = `${library}.sha256`
  const manifest = createRequire(import.meta.url).resolve('better-sqlite3/package.json')
  const headers = join(dirname(manifest), 'deps', 'sqlite3')
  const stamp = fingerprint(JSON.parse(readFileSync(manifest, 'utf8')).version)
  if (existsSync(library) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) {
    return
  }
  mkdirSync(outDir, { recursive: true })
  // A process that has the old one loaded keeps it, and nobody loads half of the new one.
  const unfinished = `${library}.${process.pid}`
  try {
    compile(headers, unfinished)
    rmSync(stampFile, { force: true })
    renameSync(unfinished, library)
    writeFileSync(stampFile, stamp)
  } finally {
    rmSync(unfinished, { force: true })
  }
}

function fingerprint(driverVersion) {
  const hash = createHash('sha256').update(readFileSync(source))
  hash.update(readFileSync(fileURLToPath(import.meta.url)))
  return hash.update([driverVersion, process.platform, process.arch].join(' ')).digest('hex')
}

function compile(headers, output) {
  const flags = ['-O2', '-shared', '-fPIC', '-pthread', '-I', headers, '-o', output, source]
  if (process.platform === 'darwin') flags.push('-undefined', 'dynamic_lookup')
  for (const compiler of [process.env.CC, 'cc', 'gcc', 'clang']) {
    if (compiler === undefined || compiler === '') continue
    const { error, status, stderr } = spawnSync(compiler, flags, { encoding: 'utf8' })
    if (error?.code === 'ENOENT') continue
    if (error !== undefined) throw error
    if (status !== 0) throw new Error(`${compiler} failed: ${stderr}`)
    return
  }
  throw new Error('there is no C compiler (cc, gcc, clang)')
}

function firstLine(text) {
  return text.trim().split('\n', 1)[0]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) buildInterrupt(process.argv[2])
