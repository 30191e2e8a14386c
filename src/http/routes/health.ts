import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from 'fastify'
import { underAnyPressure } from '../edge/load-shedding.ts'

export interface Health {
  /** Set once everything is open. */
  readonly isStarted: () => boolean
  readonly isDraining: () => boolean
  /** Does the database answer? */
  readonly pingDatabase: (signal: AbortSignal) => Promise<boolean>
  /** Shown, never decisive: what is missing makes answers degraded, not the service unready. Undefined while it starts. */
  readonly components: () => Readonly<Record<string, string>> | undefined
  /** What is not asked because it failed, and what is. Undefined while it starts. */
  readonly breakers: () => Readonly<Record<string, string>> | undefined
  /** Told what each look at `/readyz` found; null: ready. */
  readonly onReadiness?: (reason: Unready | null) => void
}

export type Unready = 'starting' | 'draining' | 'no database'

const pingMs = 1000

/** What is answered also before the rest is. */
export function isProbe({ routeOptions }: FastifyRequest): boolean {
  return (routeOptions.config as { readonly isProbe?: true }).isProbe === true
}

/** Probes. `/livez` asks nobody; `/readyz` fails while starting, draining or without a database. */
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

/** A line each time that it turns, and not one each look. It begins as starting. */
export function createReadinessLog(log: FastifyBaseLogger): NonNullable<Health['onReadiness']> {
  let told: Unready | null = 'starting'
  return reason => {
    if (reason === told) return
    const line = {
      readiness: reason ?? 'ready',
      was: told ?? 'ready',
      ...(reason === 'no database' && { culprit: 'database', code: 'unready' }),
    }
    log[reason === 'no database' ? 'error' : 'info'](
      line,
      reason === null ? 'ready: /readyz says 200' : `unready: ${reason}`,
    )
    told = reason
  }
}
