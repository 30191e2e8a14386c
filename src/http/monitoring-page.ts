import type { FastifyInstance } from 'fastify'
import { hash } from 'node:crypto'
import { underAnyPressure } from './pressure.ts'

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
  const policy = policyOf(page)
  app.get('/monitoring', { logLevel: 'warn', config: { rateLimit: false, isProbe: true, ...underAnyPressure } }, async (_, reply) =>
    await reply
      .headers(pageHeaders)
      .type('text/html; charset=utf-8')
      .header('content-security-policy', policy)
      .header('cache-control', 'no-cache')
      .send(page))
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
