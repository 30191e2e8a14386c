import helmet, { type FastifyHelmetOptions } from '@fastify/helmet'
import Fastify, { type FastifyInstance } from 'fastify'

export interface SecurityHeaders {
  /** For every reply: browsers may read the data and do nothing else with it. */
  readonly data: Headers
  /**
   * For the pages `/docs` and `/monitoring`: adds headers that matter for pages only. Each page has its own content
   * security policy.
   */
  readonly page: Headers
}

type Headers = Readonly<Record<string, string>>

/**
 * No Strict-Transport-Security: it binds all services of a host for a year, so the TLS terminator must decide on it.
 */
const never = {
  hsts: false,
  ieNoOpen: false,
  xssFilter: false,
  permittedCrossDomainPolicies: false,
  originAgentCluster: false,
} as const

const forPages = {
  ...never,
  contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
  crossOriginResourcePolicy: { policy: 'same-origin' },
  crossOriginOpenerPolicy: { policy: 'same-origin' },
  referrerPolicy: { policy: 'no-referrer' },
  frameguard: { action: 'deny' },
} as const

/** Only headers that matter for data, because each adds about 0.15 µs to a cached answer. */
const forData = {
  ...forPages,
  crossOriginOpenerPolicy: false,
  referrerPolicy: false,
  frameguard: false,
  dnsPrefetchControl: false,
} as const

/**
 * Generates the headers once with helmet, because they never change. As a plugin, helmet would generate them for each
 * reply and set them outside Node's fast path: 10 µs more CPU time per request, a third of a cached answer.
 */
export function securityHeaders(): Promise<SecurityHeaders> {
  return (generated ??= generateHeaders())
}

let generated: Promise<SecurityHeaders> | undefined

async function generateHeaders(): Promise<SecurityHeaders> {
  return { data: await headersFor(forData), page: await headersFor(forPages) }
}

async function headersFor(options: FastifyHelmetOptions): Promise<Headers> {
  const app: FastifyInstance = Fastify()
  await app.register(helmet, options)
  app.get('/', async (_, reply) => reply.raw.getHeaders())
  const headers = (await app.inject('/')).json<Record<string, string>>()
  await app.close()
  return headers
}
