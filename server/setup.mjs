// Runs on whatever Node the machine has, before anything is installed: plain JavaScript, node: only.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildInterrupt } from './sqlite/interrupt/build.mjs'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const oldestNode = 24

/** What to say when this Node cannot run Glasspool, or `null` when it can. */
export function refusal(version = process.versions.node) {
  if (Number.parseInt(version, 10) >= oldestNode) return null
  return `Glasspool needs Node.js ${oldestNode} or newer, and this is ${version}: run \`npm start\` or \`npm test\`, which bring their own, or install a newer Node.js.`
}

/** The Node that npm installed beside us; it may be newer than the machine's. */
export const installedNode = join(root, 'node_modules', '.bin', 'node')

/** Installs the dependencies unless what is installed is exactly what the lockfile names. */
export function ensureInstalled() {
  if (isInstalled()) return
  console.error('Installing dependencies (once)…')
  const npm = process.env.npm_execpath
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error']
  // npm's own script is run when there is one: `npm` itself is a .cmd file on Windows.
  const result =
    npm === undefined
      ? spawnSync('npm', args, { cwd: root, stdio: ['ignore', 2, 2] })
      : spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: ['ignore', 2, 2] })
  if (result.status !== 0) {
    console.error('`npm ci` failed; its messages are above.')
    process.exit(result.status ?? 1)
  }
}

function isInstalled() {
  // npm writes this list last, so an install that was cut short leaves none.
  const installedList = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(installedList)) return false
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const installed = JSON.parse(readFileSync(installedList, 'utf8')).packages
  return Object.entries(wanted).every(
    ([path, entry]) =>
      path === '' || entry.optional === true || installed[path]?.version === entry.version,
  )
}

/** Builds what is missing or older than its sources: the interrupt extension, if it can be, and the dashboard. */
export function ensureBuilt() {
  buildInterrupt()
  buildDashboard()
}

function buildDashboard() {
  const stamp = join(root, 'dist', 'dashboard', '.built-from')
  const wanted = digest(dashboardSources())
  if (isStamped(stamp, wanted)) return
  console.error('Building the dashboard…')
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js')
  const args = [vite, 'build', '--logLevel', 'warn']
  const node = refusal() === null ? process.execPath : installedNode
  const result = spawnSync(node, args, { cwd: root, stdio: ['ignore', 2, 2] })
  if (result.status !== 0) {
    console.error('The dashboard could not be built; the messages are above.')
    process.exit(result.status ?? 1)
  }
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, wanted)
}

function dashboardSources() {
  const inDashboard = readdirSync(join(root, 'dashboard'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.includes('.test.'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.includes(join('dashboard', 'e2e')))
  const outside = [
    'vite.config.ts',
    'package-lock.json',
    'telemetry/protocol.ts',
    'telemetry/pin-text.ts',
  ]
  return [...inDashboard.sort(), ...outside.map((path) => join(root, path))]
}

function digest(paths) {
  const hash = createHash('sha256')
  for (const path of paths) hash.update(path.slice(root.length)).update(readFileSync(path))
  return hash.digest('hex')
}

function isStamped(stamp, wanted) {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  ensureInstalled()
  if (process.argv.includes('--build')) ensureBuilt()
}
