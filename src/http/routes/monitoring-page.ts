import type { FastifyInstance } from 'fastify'
import { gzipSync } from 'node:zlib'
import { underAnyPressure } from '../edge/load-shedding.ts'
import { readPage, sourceHash } from '../pages/page.ts'

/** Read once, when the process starts. */
const page = readPage('monitoring')

/**
 * GET /monitoring, for people. The page needs no key, like /docs: it is the same for everyone and contains no data. It
 * fetches the data from the two endpoints below it, with the key its reader enters. It is also served during startup,
 * so that it can report that state.
 */
export function registerMonitoringPage(app: FastifyInstance, pageHeaders: Readonly<Record<string, string>>): void {
  const quiet = { logLevel: 'warn', config: { rateLimit: false, isProbe: true, ...underAnyPressure } } as const
  const headers = {
    ...pageHeaders,
    'content-security-policy': policyOf(page),
    'cache-control': 'no-cache',
    vary: 'accept-encoding',
  }
  let zipped: Buffer | undefined
  app.get('/monitoring', quiet, async (request, reply) => {
    void reply.headers(headers).type('text/html; charset=utf-8')
    if (!acceptsGzip(request.headers['accept-encoding'])) return await reply.send(page)
    // A third of the size, for phones.
    return await reply.header('content-encoding', 'gzip').send((zipped ??= gzipSync(page)))
  })
}

function acceptsGzip(accepted: string | string[] = ''): boolean {
  return /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/.test(String(accepted))
}

/** Allows only the page's own style and script, by hash. Trusted types keep text of a reply from becoming markup. */
export function policyOf(page: string): string {
  return [
    "default-src 'none'",
    `style-src ${sourceHash('style', page)}`,
    `script-src ${sourceHash('script', page)}`,
    "connect-src 'self'",
    'img-src data:',
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}
