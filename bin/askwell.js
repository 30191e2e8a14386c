#!/usr/bin/env node
// Askwell runs its TypeScript without a build step, which needs Node 24. If an older Node starts this file, the Node
// from the development dependencies takes over.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

const requiredMajor = 24
const cli = fileURLToPath(new URL('../src/cli.ts', import.meta.url))
const bundled = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url))

// npx starts this through a shell, which exits on SIGTERM without forwarding it.
if (process.env.npm_command === 'exec') followParent(process.ppid)

if (Number(process.versions.node.split('.')[0]) >= requiredMajor) {
  // Before the first TypeScript file, which would otherwise load Node's TypeScript parser: 40 MB that stay in memory.
  enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/askwell', import.meta.url)))
  await import(cli)
} else if (existsSync(bundled)) {
  const child = spawn(bundled, [cli, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, ASKWELL_LAUNCHER: 'bin' },
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
} else {
  process.stderr.write(
    `askwell: Node ${requiredMajor} or newer is required, but this is ${process.version}; upgrade Node\n`,
  )
  process.exitCode = 1
}

/** Sends this process SIGTERM when its parent has exited, which a changed parent id shows. */
function followParent(parent) {
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    process.kill(process.pid, 'SIGTERM')
  }, 250).unref()
}
