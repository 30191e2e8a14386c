import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from 'fastify'
import { underAnyPressure } from '../edge/load-shedding.ts'

export interface Health {
  /** True once startup is complete. */
  readonly isStarted: () => boolean
  readonly isDraining: () => boolean
  /** Whether the database replies. */
  readonly pingDatabase: (signal: AbortSignal) => Promise<boolean>
  /** For information only: a missing component degrades answers, nothing more. Undefined during startup. */
  readonly components: () => Readonly<Record<string, string>> | undefined
  /** State of each circuit breaker. Undefined during startup. */
  readonly breakers: () => Readonly<Record<string, string>> | undefined
  /** Called with the result of each `/readyz` request; null when ready. */
  readonly onReadiness?: (reason: Unready | null) => void
}

export type Unready = 'starting' | 'draining' | 'no database'

const pingMs = 1000

/** True for endpoints that reply normally during startup. */
export function isProbe({ routeOptions }: FastifyRequest): boolean {
  return (routeOptions.config as { readonly isProbe?: true }).isProbe === true
}

/** Registers the probes. `/livez` checks nothing; `/readyz` fails while starting, draining or without a database. */
export function registerHealth(app: FastifyInstance, health: Health): void {
  const quiet = { logLevel: 'warn', config: { rateLimit: false, isProbe: true, ...underAnyPressure } } as const
  app.get('/livez', quiet, async () => ({ status: 'ok' }))
  app.get('/startupz', quiet, async (_, reply) => {
    const isStarted = health.isStarted()
    return await reply.code(isStarted ? 200 : 503).send({ status: isStarted ? 'ok' : 'starting' })
  })
  app.get('/readyz', quiet, async (_, reply) => {
    const reason = await whyUnready(health)
    health.onReadiness?.(reason)
    const shown = { components: health.components(), breakers: health.breakers() }
    if (reason === null) return await reply.send({ status: 'ok', ...shown })
    return await reply
      .code(503)
      .header('retry-after', '1')
      .send({ status: reason, ...shown })
  })
}

async function whyUnready(health: Health): Promise<Unready | null> {
  if (!health.isStarted()) return 'starting'
  if (health.isDraining()) return 'draining'
  const limit = new AbortController()
  const timer = setTimeout(() => limit.abort(), pingMs)
  try {
    return (await health.pingDatabase(limit.signal)) ? null : 'no database'
  } finally {
    clearTimeout(timer)
  }
}

/** Logs a line when readiness changes, not one per probe. The initial state is `starting`. */
export function createReadinessLog(log: FastifyBaseLogger): NonNullable<Health['onReadiness']> {
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
