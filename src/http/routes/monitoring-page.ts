import type { FastifyInstance } from 'fastify'
import { hash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { underAnyPressure } from '../edge/load-shedding.ts'

export interface MonitoringPageOptions {
  /** monitoring.html, as it stands beside this file. */
  readonly page: string
  readonly pageHeaders: Readonly<Record<string, string>>
}

/**
 * GET /monitoring, for people. Open like /docs: the page is the same for everybody and says nothing; what it shows it
 * asks of the two addresses below it, with the key that its reader gives. Answered also while the service starts, so
 * that it can say so.
 */
export function registerMonitoringPage(app: FastifyInstance, { page, pageHeaders }: MonitoringPageOptions): void {
  const quiet = { logLevel: 'warn', config: { rateLimit: false, isProbe: true, ...underAnyPressure } } as const
  const own = {
    ...pageHeaders,
    'content-security-policy': policyOf(page),
    'cache-control': 'no-cache',
    vary: 'accept-encoding',
  }
  let zipped: Buffer | undefined
  app.get('/monitoring', quiet, async (request, reply) => {
    void reply.headers(own).type('text/html; charset=utf-8')
    if (!takesGzip(request.headers['accept-encoding'])) return await reply.send(page)
    // A third of its size: it is opened on phones, in a hurry.
    return await reply.header('content-encoding', 'gzip').send((zipped ??= gzipSync(page)))
  })
}

function takesGzip(accepted: string | string[] = ''): boolean {
  return /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/.test(String(accepted))
}

/** Its own style and script by their hashes, and nothing else; with trusted types no text of a reply can become markup. */
export function policyOf(page: string): string {
  return [
    "default-src 'none'",
    `style-src ${hashOf('style', page)}`,
    `script-src ${hashOf('script', page)}`,
    "connect-src 'self'",
    'img-src data:',
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

function hashOf(tag: string, page: string): string {
  const [, inside] = new RegExp(`<${tag}(?: [^>]*)?>(.*?)</${tag}>`, 's').exec(page) ?? []
  if (inside === undefined) throw new Error(`the page has no <${tag}>`)
  return `'sha256-${hash('sha256', inside, 'base64')}'`
}
