import { readConfig } from '../../src/config/config.ts'
import { startServer } from '../../src/server.ts'
import { stopOnSignals } from '../../src/signals.ts'
import { createLogger } from '../../src/log.ts'

/** `askwell serve` without figures over windows: what they cost is the difference. */
const config = readConfig(process.env)
const log = createLogger(config)
const server = await startServer(config, log, { isMonitored: false })
stopOnSignals(server, log)
await server.stopped
