// `npm run build`: the interrupt extension, where there is a compiler, and the dashboard. With `--package` also the compiled JavaScript that is published.
import { spawnSync } from 'node:child_process'
import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ensureBuilt, root } from './setup.mjs'

ensureBuilt()

if (process.argv.includes('--package')) {
  for (const folder of ['server', 'telemetry']) {
    rmSync(join(root, 'dist', folder), { recursive: true, force: true })
  }
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const result = spawnSync(process.execPath, [tsc, '-p', 'server/tsconfig.package.json'], {
    cwd: root,
    stdio: 'inherit',
  })
  // The library is built where it is used: `node dist/server/sqlite/interrupt/build.mjs`.
  for (const file of ['build.mjs', 'interrupt.c']) {
    const path = join('server', 'sqlite', 'interrupt', file)
    copyFileSync(join(root, path), join(root, 'dist', path))
  }
  process.exitCode = result.status ?? 1
}
