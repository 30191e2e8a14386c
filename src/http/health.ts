import type { FastifyInstance, FastifyRequest } from 'fastify'
import { underAnyPressure } from './pressure.ts'

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
}

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
    const shown = { components: health.components(), breakers: health.breakers() }
    if (reason === null) return await reply.send({ status: 'ok', ...shown })
    return await reply.code(503).header('retry-after', '1').send({ status: reason, ...shown })
  })
}

async function whyUnready(health: Health): Promise<'starting' | 'draining' | 'no database' | null> {
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
