// `npm start`: installs and builds what is missing, then runs the server in this same process, or,
// where the machine's Node is too old, in the one that npm installed.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
// The whole module: an older Node lacks the function, and must get as far as handing over.
import * as nodeModule from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureBuilt, ensureInstalled, installedNode, refusal, root } from './setup.mjs'

const isHandedOver = process.env.GLASSPOOL_HANDED_OVER !== undefined
if (!isHandedOver) {
  ensureInstalled()
  ensureBuilt()
}

if (refusal() === null) {
  const cache = join(root, 'node_modules', '.cache', 'compile')
  nodeModule.enableCompileCache(cache)
  // The threads of the connections start with this, and strip and compile nothing either.
  process.env.NODE_COMPILE_CACHE ??= cache
  await import('./main.ts')
} else if (existsSync(installedNode) && !isHandedOver) {
  handOver()
} else {
  console.error(refusal())
  process.exitCode = 78
}

function handOver() {
  const child = spawn(installedNode, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, GLASSPOOL_HANDED_OVER: '1' },
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === null ? 1 : 128)
  })
}
