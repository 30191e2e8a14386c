import type { FastifyInstance } from 'fastify'
import { readFileSync } from 'node:fs'
import { pino } from 'pino'
import { buildApp, buildMonitoringApp, buildStartingApp, type AppParts } from '../../src/app.ts'
import { readConfig } from '../../src/config/config.ts'
import type { Config } from '../../src/config/terms.ts'
import { createEvents, type Subscriber } from '../../src/events.ts'
import { createKeyring } from '../../src/http/edge/auth.ts'
import { createGate, type Gate, type ReceivingLimits } from '../../src/http/gate.ts'
import { alone } from '../../src/wiring/workers.ts'
import type { Owner } from './server-process.ts'

/** Parts of the app that a test provides; the others are stubs. */
export interface EdgeStubs extends Partial<Pick<AppParts, 'log' | 'isDraining' | 'search' | 'documents' | 'cache'>> {
  readonly cachedAsk?: Partial<AppParts['cachedAsk']>
  /** Hears what happens. */
  readonly subscriber?: Subscriber
  readonly monitor?: Partial<AppParts['monitor']>
  /** Whether the database replies. */
  readonly ping?: () => Promise<boolean>
}

/** The HTTP edge alone, with `settings` on top of the defaults and without a rate limit. */
export async function edgeApp(stubs: EdgeStubs = {}, settings: Partial<Config> = {}): Promise<FastifyInstance> {
  return await buildApp(edgeParts(stubs, settings))
}

/** The HTTP edge of the monitoring port alone, as {@link edgeApp}; the port listens at the address of PORT. */
export async function edgeMonitoringApp(
  stubs: EdgeStubs = {},
  settings: Partial<Config> = {},
): Promise<FastifyInstance> {
  return await buildMonitoringApp(edgeParts(stubs, settings))
}

/** What PORT serves while the service starts. */
export async function edgeStartingApp(settings: Partial<Config> = {}): Promise<FastifyInstance> {
  return await buildStartingApp(edgeParts({}, settings), 'PORT')
}

/** Serves the app behind a gate on a free port. */
export async function behindGate(
  t: Pick<Owner, 'teardown'>,
  app: FastifyInstance,
  limits: Partial<ReceivingLimits> = {},
): Promise<Gate & { readonly url: string; readonly port: number }> {
  const gate = createGate(
    { headersMs: 60_000, wholeMs: 60_000, keepAliveMs: 1000, idleMs: 90_000, maxConnections: 10, ...limits },
    silent,
  )
  t.teardown(gate.close)
  await gate.serve(app)
  const url = await gate.listen({ host: '127.0.0.1', port: 0 })
  return { ...gate, url, port: Number(new URL(url).port) }
}

const silent = pino({ level: 'silent' })

function edgeParts(
  { cachedAsk, subscriber = {}, monitor, ping = async () => true, ...stubs }: EdgeStubs,
  settings: Partial<Config>,
): AppParts {
  const config = { ...readConfig({ RATE_LIMIT: '0', MAX_EVENT_LOOP_DELAY_MS: '0', MAX_HEAP_SHARE: '0' }), ...settings }
  const events = createEvents(error => {
    throw error
  })
  events.subscribe(subscriber)
  const parts = {
    config,
    events,
    log: silent,
    workers: alone,
    keyring: createKeyring(config.keys),
    isDraining: () => false,
    openapi: textOf('openapi.yaml'),
    cachedAsk: {
      ask: async function* () {},
      getCached: () => undefined,
      getShared: () => undefined,
      rejection: () => undefined,
      ...cachedAsk,
    },
    search: unused,
    admission: { search: (search: unknown) => search },
    documents: { enter: () => ({ leave() {} }), put: unused, get: unused, remove: unused, collections: unused },
    cache: { clear: unused, figures: unused },
    database: { kind: 'embedded', ping, isReadOnly: () => false },
    bm25: 'portable',
    redis: undefined,
    models: { chat: null, embedder: { model: 'a model' } },
    states: () => ({ database: 'closed' }),
    metrics: { expose: async () => ({ contentType: 'text/plain', text: '' }) },
    monitor: { look: unused, markViewed() {}, report: unused, ...monitor },
    monitoring: { slow: { note() {} } },
    ...stubs,
  }
  return parts as unknown as AppParts
}

function unused(): never {
  throw new Error('this test was not to come so far')
}

function textOf(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
}
