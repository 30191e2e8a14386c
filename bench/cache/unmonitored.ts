import { readConfig } from '../../src/config/config.ts'
import { startServer, stopOnSignals } from '../../src/server.ts'
import { createLogger } from '../../src/log.ts'

/** `askwell serve` without figures over windows: what they cost is the difference. */
const config = readConfig(process.env)
const log = createLogger(config)
const server = await startServer(config, log, { isMonitored: false })
stopOnSignals(server, log)
await server.stopped
