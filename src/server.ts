import type { FastifyInstance } from 'fastify'
import { readFileSync } from 'node:fs'
import type { Logger } from 'pino'
import { createCacheAdmin } from './adapters/cache-admin.ts'
import { buildApp } from './app.ts'
import type { Config } from './config.ts'
import { checkModels, openDeps, type Deps } from './deps.ts'
import { documentApi } from './ingest/document-api.ts'
import { createLogger } from './log.ts'
import { startTelemetry } from './telemetry.ts'
import { version } from './version.ts'

export interface RunningServer {
  /** Where it listens, for people and for curl. */
  readonly address: string
  readonly deps: Deps
  /** Resolves when the server has stopped, after a signal or `stop`. */
  readonly stopped: Promise<void>
  /** Unready → accept a little longer if so set → finish what runs → close. */
  stop(): Promise<void>
}

/** The process: config → telemetry → deps → app → listen. Rejects with an AskError that says what to do. */
export async function startServer(config: Config, log: Logger = createLogger(config)): Promise<RunningServer> {
  const stopTelemetry = await startTelemetry(config.telemetry)
  const deps = await openDeps(config, log).catch(async (error: unknown) => {
    await stopTelemetry()
    throw error
  })
  let isDraining = false
  let isStarted = false
  let app: FastifyInstance | undefined
  try {
    await checkModels(deps.store, deps.models.embedder.model)
    app = await buildApp(appDeps())
    const address = await app.listen({ host: config.host, port: config.port, backlog })
    isStarted = true
    log.info({ address, database: deps.database.version, bm25: deps.bm25, embeddings: deps.models.embedder.model, chat: config.models.chat ?? 'extractive' }, 'ready')
    const { promise: stopped, resolve, reject } = Promise.withResolvers<void>()
    let stopping: Promise<void> | undefined
    const stop = () => (stopping ??= drain(app as FastifyInstance).then(resolve, reject).then(() => stopped))
    return { address, deps, stopped, stop }
  } catch (error) {
    await app?.close()
    await deps.close()
    await stopTelemetry()
    throw error
  }

  function appDeps() {
    const { database, models, redis, metrics } = deps
    const asking = { timeoutMs: config.ask.timeoutMs, logQuestions: config.log.questions, metrics }
    return {
      logger: log,
      trustProxy: config.trustProxy,
      ask: { ask: deps.remembering.ask, recall: deps.remembering.recall, ...asking },
      search: { search: deps.admission.search(deps.search), ...asking },
      documents: { documents: documentApi(deps.store, models.embedder, deps.onWritten), adminApiKey: config.adminApiKey, maxBytes: maxDocumentBytes },
      cache: { cache: createCacheAdmin({ ...deps, config: config.cache, registry: metrics.registry, model: models.embedder.model }), adminApiKey: config.adminApiKey },
      health: {
        isStarted: () => isStarted,
        isDraining: () => isDraining,
        pingDatabase: database.ping,
        components: () => ({ database: database.kind, bm25: deps.bm25, redis: redis?.status() ?? 'off', chat: models.chat?.model ?? 'extractive', embeddings: models.embedder.model, rerank: config.rerank?.model ?? 'off' }),
      },
      pressure: config.pressure,
      rateLimit: { ...config.rateLimit, redis },
      registry: metrics.registry,
      about: { version, openapi: textOf('../openapi.yaml') },
    }
  }

  async function drain(running: FastifyInstance): Promise<void> {
    isDraining = true
    log.info('stopping: finishing what runs')
    await delay(config.drain.delayMs)
    const closed = closeConnections(running)
    const inTime = await Promise.race([closed.then(() => true), delay(config.drain.seconds * 1000).then(() => false)])
    if (!inTime) log.warn('requests still ran when the time to drain was over: closing their connections')
    if (!inTime) running.server.closeAllConnections()
    await closed
    await deps.close()
    await stopTelemetry()
    log.info('stopped')
  }
}

/**
 * Node closes the connections that are idle now, but keeps one whose answer is still on its way for another request
 * that will never be taken: every keep-alive client would hold the exit up for as long as it likes.
 */
async function closeConnections(app: FastifyInstance): Promise<void> {
  const sweep = setInterval(() => app.server.closeIdleConnections(), 50)
  try {
    await app.close()
  } finally {
    clearInterval(sweep)
  }
}

/**
 * Connections that may wait to be accepted (Linux takes no more than `net.core.somaxconn`). With Node's 511 a rush of
 * new ones while the process is busy for a moment loses some, and whose was lost tries again after 1, 3, 7, 15 s.
 */
const backlog = 4096

const maxDocumentBytes = 16 * 1024 * 1024

function textOf(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8')
}

/** Not holding the process open: when everything else is closed there is nothing to wait for. */
function delay(ms: number): Promise<void> {
  return new Promise(resolve => void setTimeout(resolve, ms).unref())
}

/** SIGTERM and SIGINT drain; a second one exits at once. */
export function stopOnSignals(server: RunningServer, log: Logger): void {
  let signals = 0
  const onSignal = () => {
    if (++signals > 1) process.exit(130)
    server.stop().catch((error: unknown) => {
      log.fatal({ err: error }, 'could not stop cleanly')
      process.exit(1)
    })
  }
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
}
