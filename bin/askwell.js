#!/usr/bin/env node
// Askwell runs its TypeScript without a build step, which needs Node 24. If an older Node starts this file, the Node
// from the development dependencies takes over.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'

const requiredMajor = 24
const self = fileURLToPath(import.meta.url)
const cli = fileURLToPath(new URL('../src/cli.ts', import.meta.url))
const bundled = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url))

// They bound V8's young generation and its garbage: see docs/operations/deploy.md#memory.
const memoryFlags = ['--max-semi-space-size=8', '--heap-growing-percent=25'].filter(flag => !isSet(flag))
const isService = ['serve', 'demo'].includes(process.argv[2])

// V8 reads the first flag only when it starts, so the process starts Node again in its own place: with the same id,
// parent, output and signals. A process with a channel to its parent would lose the channel.
if (isService && memoryFlags.length > 0 && isNew() && process.execve && !process.send) {
  const nodeArgs = [...process.execArgv, ...memoryFlags]
  process.execve(process.execPath, [process.execPath, ...nodeArgs, self, ...process.argv.slice(2)], process.env)
}
if (isService) memoryFlags.forEach(flag => setFlagsFromString(flag))

// npx starts this through a shell, which exits on SIGTERM without forwarding it.
if (process.env.npm_command === 'exec' && process.env.ASKWELL_LAUNCHER === undefined) followParent(process.ppid)

if (isNew()) {
  // Before the first TypeScript file, which would otherwise load Node's TypeScript parser: 40 MB that stay in memory.
  enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/askwell', import.meta.url)))
  await import(cli)
} else if (existsSync(bundled)) {
  const nodeArgs = isService ? memoryFlags : []
  const child = spawn(bundled, [...nodeArgs, self, ...process.argv.slice(2)], {
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

function isNew() {
  return Number(process.versions.node.split('.')[0]) >= requiredMajor
}

/** Whether the flag has a value already, in NODE_OPTIONS or on the command line. V8 takes _ for -. */
function isSet(flag) {
  const name = flag.split('=')[0]
  return [process.env.NODE_OPTIONS ?? '', ...process.execArgv].some(text => text.replaceAll('_', '-').includes(name))
}

/** Sends this process SIGTERM when its parent has exited, which a changed parent id shows. */
function followParent(parent) {
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    process.kill(process.pid, 'SIGTERM')
  }, 250).unref()
}
