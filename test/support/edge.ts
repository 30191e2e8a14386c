import type { FastifyInstance } from 'fastify'
import { readFileSync } from 'node:fs'
import { pino } from 'pino'
import { buildApp, buildMonitoringApp, type AppDeps } from '../../src/app.ts'
import { version } from '../../src/version.ts'

/** The HTTP edge alone. Everything behind it is a stub, except the dependencies that a test passes. */
export async function edgeApp(deps: Partial<AppDeps> = {}): Promise<FastifyInstance> {
  return await buildApp(edgeDeps(deps))
}

/** The HTTP edge of the monitoring port alone, with stubs as in {@link edgeApp}. */
export async function edgeMonitoringApp(deps: Partial<AppDeps> = {}): Promise<FastifyInstance> {
  return await buildMonitoringApp(edgeDeps(deps))
}

function edgeDeps(deps: Partial<AppDeps>): AppDeps {
  const unused = async () => {
    throw new Error('this test was not to come so far')
  }
  return {
    logger: pino({ level: 'silent' }),
    trustProxy: null,
    receiving: { headersMs: 10_000, wholeMs: 120_000, keepAliveMs: 5000, idleMs: 90_000, maxConnections: 1000 },
    keys: [],
    corsOrigins: null,
    ask: {
      ask: async function* () {},
      getCached: () => undefined,
      timeoutMs: 60_000,
      metrics: { answered() {}, failed() {} },
    },
    search: { search: unused, timeoutMs: 60_000, metrics: { searched() {}, failed() {} } },
    documents: {
      documents: { enter: () => ({ leave() {} }), put: unused, get: unused, remove: unused, collections: unused },
      maxBytes: 1000,
    },
    cache: { cache: { clear: unused, figures: unused } },
    health: {
      isStarted: () => true,
      isDraining: () => false,
      pingDatabase: async () => true,
      breakers: () => ({ database: 'closed' }),
      components: () => ({
        database: 'embedded',
        writes: 'ok',
        bm25: 'portable',
        redis: 'off',
        chat: 'extractive',
        embeddings: 'a model',
        rerank: 'off',
      }),
    },
    loadShedding: { maxEventLoopDelayMs: 0, maxHeapShare: 0 },
    rateLimit: { max: 0, seconds: 1, redis: undefined },
    registry: { expose: async () => ({ contentType: 'text/plain', text: '' }) },
    counts: { responded() {}, problem() {} },
    poolStatus: {
      status: () => {
        throw new Error('this test was not to come so far')
      },
      onRead() {},
    },
    performance: {
      report: () => {
        throw new Error('this test was not to come so far')
      },
      onRejected() {},
    },
    about: { version, openapi: readFileSync(new URL('../../openapi.yaml', import.meta.url), 'utf8') },
    ...deps,
  }
}
