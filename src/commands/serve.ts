import type { Command } from 'commander'
import cluster from 'node:cluster'
import { flushCompileCache } from 'node:module'
import { readConfig, setsHeapLimit, workerPlace, type WorkerPlace } from '../config/config.ts'
import type { Config } from '../config/terms.ts'
import { createLogger } from '../log.ts'
import { onHangup } from '../signals.ts'
import type { Host } from './host.ts'

export function addServe(program: Command, host: Host): void {
  program
    .command('serve')
    .description('start the HTTP service')
    .action(async () => {
      const config = readConfig(host.env)
      // Without a listener, SIGHUP would end the process at once, also while it starts or stops.
      onHangup(() => {})
      const place = cluster.isWorker ? workerPlace(host.env) : null
      try {
        if (place) await serveAsWorker(config, place)
        else if (config.workers === 1) await serveAlone(config)
        else await serveWithWorkers(config, host)
      } finally {
        if (host === process) endSoon()
      }
    })
}

/** Longer than a reader of the log needs for the last lines. */
const endMs = 1000

/** Log lines that nobody reads, or a collector that does not let go, would keep the process alive for ever. */
function endSoon(): void {
  setTimeout(() => process.exit(), endMs).unref()
}

async function serveAlone(config: Config): Promise<void> {
  // Imported on demand: the server is half of the program, and no other command needs it.
  const [{ startServer }, { stopOnSignals, stopStartOnSignals }] = await Promise.all([
    import('../server.ts'),
    import('../signals.ts'),
  ])
  const log = createLogger(config)
  const { signal, release } = stopStartOnSignals(log)
  const server = await startServer(config, log, { signal }).catch((error: unknown) => {
    if (signal.aborted) return
    release()
    throw error
  })
  if (!server) return log.info('stopped')
  // In this order: Node drops a signal that arrives while nobody listens.
  stopOnSignals(server, log)
  release()
  if (signal.aborted) void server.stop()
  // Saves the compile cache now, so that the next start has it even if this process is killed (see cli.ts).
  flushCompileCache()
  await server.stopped
}

async function serveWithWorkers(config: Config, host: Host): Promise<void> {
  const { heapMbFor, thisMachine, workersFor } = await import('../cluster/size.ts')
  const log = createLogger(config)
  const machine = thisMachine()
  const workers = config.workers === 'auto' ? workersFor(machine) : config.workers
  const obstacle = whyAlone(config)
  if (obstacle !== null) log.warn(`WORKERS is ignored: ${obstacle}`)
  if (obstacle !== null || workers === 1) return await serveAlone(config)
  const heapMb = setsHeapLimit(host.env) ? null : heapMbFor(machine, workers)
  log.info({ workers, cores: machine.cores, ...(heapMb !== null && { heapMb }) }, 'starting the workers')
  const { runPrimary } = await import('../cluster/primary.ts')
  host.exitCode = await runPrimary({ workers, heapMb, env: host.env, log })
  log.info('stopped')
}

/** Why there can be only one process; null when there can be several. */
function whyAlone({ database }: Config): string | null {
  if (database.url === undefined) return 'the embedded database belongs to one process; set DATABASE_URL to use several'
  return cluster.isWorker ? 'another program runs this process as a worker of its own' : null
}

async function serveAsWorker(all: Config, place: WorkerPlace): Promise<void> {
  const [{ startServer }, { stopOnErrors, stopOrExit, watchWorkerStop }, { openChannel }, { shareOf }] =
    await Promise.all([
      import('../server.ts'),
      import('../signals.ts'),
      import('../cluster/channel.ts'),
      import('../config/share.ts'),
    ])
  const config = shareOf(all, place.of)
  const log = createLogger(config, place.number)
  const { signal, stop, started } = watchWorkerStop(log)
  const channel = openChannel({ place, log, onStop: stop })
  try {
    const server = await startServer(config, log, { signal, channel }).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
    if (!server) return log.info('stopped')
    started()
    stopOnErrors(server, log)
    if (signal.aborted) stopOrExit(server, log)
    else signal.addEventListener('abort', () => stopOrExit(server, log), { once: true })
    channel.primary.tell('ready')
    flushCompileCache()
    await server.stopped
  } finally {
    channel.leave()
  }
}
