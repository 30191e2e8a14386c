import { basename } from 'node:path'
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from 'fastify'
import { underAnyPressure } from '../edge/load-shedding.ts'

/** The parts that the probes report on. */
interface HealthParts {
  readonly isDraining: () => boolean
  readonly log: FastifyBaseLogger
  readonly config: { readonly rerank: { readonly model: string } | null }
  readonly database: {
    readonly kind: string
    /** Whether the database replies. */
    ping(signal: AbortSignal): Promise<boolean>
    isReadOnly(): boolean
  }
  readonly bm25: string
  readonly redis: { status(): string } | undefined
  readonly models: { readonly chat: { readonly model: string } | null; readonly embedder: { readonly model: string } }
  /** State of each circuit breaker. */
  readonly states: () => Readonly<Record<string, string>>
}

type Unready = 'starting' | 'draining' | 'no database'

const pingMs = 1000

const quiet = { logLevel: 'warn', config: { rateLimit: false, isProbe: true, ...underAnyPressure } } as const

/** True for endpoints that reply normally during startup. */
export function isProbe({ routeOptions }: FastifyRequest): boolean {
  return (routeOptions.config as { readonly isProbe?: true }).isProbe === true
}

/** Registers the probes. `/livez` checks nothing; `/readyz` fails while draining or without a database. */
export function registerHealth(app: FastifyInstance, parts: HealthParts): void {
  const logReadiness = createReadinessLog(parts.log)
  app.get('/livez', quiet, async () => ({ status: 'ok' }))
  app.get('/startupz', quiet, async () => ({ status: 'ok' }))
  app.get('/readyz', quiet, async (_, reply) => {
    const reason = await whyUnready(parts)
    logReadiness(reason)
    const shown = { components: componentsOf(parts), breakers: parts.states() }
    if (reason === null) return await reply.send({ status: 'ok', ...shown })
    return await reply
      .code(503)
      .header('retry-after', '1')
      .send({ status: reason, ...shown })
  })
}

/** Registers the probes of a service that is starting. */
export function registerStartingHealth(app: FastifyInstance): void {
  const starting = { status: 'starting' } as const
  app.get('/livez', quiet, async () => ({ status: 'ok' }))
  app.get('/startupz', quiet, async (_, reply) => await reply.code(503).send(starting))
  app.get('/readyz', quiet, async (_, reply) => await reply.code(503).header('retry-after', '1').send(starting))
}

async function whyUnready({ isDraining, database }: HealthParts): Promise<Unready | null> {
  if (isDraining()) return 'draining'
  const limit = new AbortController()
  const timer = setTimeout(() => limit.abort(), pingMs)
  try {
    return (await database.ping(limit.signal)) ? null : 'no database'
  } finally {
    clearTimeout(timer)
  }
}

/** For information only: a missing component degrades answers, nothing more. */
function componentsOf({ config, database, bm25, redis, models }: HealthParts): Readonly<Record<string, string>> {
  return {
    database: database.kind,
    writes: database.isReadOnly() ? 'database_read_only' : 'ok',
    bm25,
    redis: redis?.status() ?? 'off',
    chat: models.chat?.model ?? 'extractive',
    embeddings: models.embedder.model,
    rerank: shownReranker(config.rerank?.model ?? 'off'),
  }
}

/** A folder by its own name: where it is does not matter to callers. */
function shownReranker(model: string): string {
  return model.startsWith('onnx:') ? `onnx:${basename(model)}` : model
}

/** Logs a line when readiness changes, not one per probe. The initial state is `starting`. */
function createReadinessLog(log: FastifyBaseLogger): (reason: Unready | null) => void {
  let lastReason: Unready | null = 'starting'
  return reason => {
    if (reason === lastReason) return
    const line = {
      readiness: reason ?? 'ready',
      was: lastReason ?? 'ready',
      ...(reason === 'no database' && { culprit: 'database', code: 'unready' }),
    }
    log[reason === 'no database' ? 'error' : 'info'](
      line,
      reason === null ? 'ready: /readyz replies 200' : `not ready: ${reason}`,
    )
    lastReason = reason
  }
}
