import type { Command } from 'commander'
import { flushCompileCache } from 'node:module'
import { readConfig } from '../config/config.ts'
import { createLogger } from '../log.ts'
import type { Host } from './host.ts'

export function addServe(program: Command, host: Host): void {
  program
    .command('serve')
    .description('start the HTTP service')
    .action(async () => {
      const config = readConfig(host.env)
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
    })
}
