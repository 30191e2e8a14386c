import type { Command } from 'commander'
import { readConfig } from '../config.ts'
import { createLogger } from '../log.ts'
import { startServer, stopOnSignals } from '../server.ts'

export function addServe(program: Command): void {
  program
    .command('serve')
    .description('start the HTTP service')
    .action(async () => {
      const config = readConfig()
      const log = createLogger(config)
      const server = await startServer(config, log)
      stopOnSignals(server, log)
      await server.stopped
    })
}
