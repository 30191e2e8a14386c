#!/usr/bin/env node
// Askwell runs its TypeScript as it is, which needs Node 24. Where an older Node starts this file, the Node that
// came with the development dependencies takes over.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

const wanted = 24
const cli = fileURLToPath(new URL('../src/cli.ts', import.meta.url))
const bundled = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url))

// npx starts this through a shell, which ends at SIGTERM without passing it on.
if (process.env.npm_command === 'exec') followParent(process.ppid)

if (Number(process.versions.node.split('.')[0]) >= wanted) {
  await import(cli)
} else if (existsSync(bundled)) {
  const child = spawn(bundled, [cli, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, ASKWELL_LAUNCHER: 'bin' },
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
} else {
  process.stderr.write(`askwell: needs Node ${wanted} or newer; this is ${process.version}\n`)
  process.exitCode = 1
}

/** Stops as at SIGTERM when the parent has ended: then somebody else is our parent. */
function followParent(parent) {
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    process.kill(process.pid, 'SIGTERM')
  }, 250).unref()
}
