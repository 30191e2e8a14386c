import type { FastifyInstance } from 'fastify'
import { sourceHash } from '../pages/page.ts'
import { referencePage } from '../reference/page.ts'

interface AboutOptions {
  readonly version: string
  /** The content of openapi.yaml. */
  readonly openapi: string
  /** Security headers for pages. */
  readonly pageHeaders: Readonly<Record<string, string>>
}

const endpoints = {
  'POST /ask': 'answers a question with citations, as JSON or server-sent events',
  'POST /search': 'finds passages, for callers with their own generator',
  'GET /collections': 'lists the collections (needs an admin key)',
  'PUT /documents': 'loads or replaces documents (needs an admin key)',
  'GET /cache': 'shows the caches; DELETE clears them (needs an admin key)',
  'GET /docs': 'the API reference, for people',
  'GET /openapi.yaml': 'the API description, for machines',
  'GET /metrics': 'metrics for Prometheus',
  'GET /monitoring': 'the state of the service, for people',
  'GET /livez, /readyz, /startupz': 'probes',
} as const

/** GET / describes the service, GET /openapi.yaml is the API contract, GET /docs is the contract as a page. */
export function registerAbout(app: FastifyInstance, { version, openapi, pageHeaders }: AboutOptions): void {
  // Rendered on first use: most services never serve it, and it takes longer than the rest of starting the edge.
  let page: { readonly html: string; readonly headers: Readonly<Record<string, string>> } | undefined
  const example = { question: 'How do I …?', collection: 'default' }
  app.get('/', async () => ({
    name: 'askwell',
    version,
    about: 'Answers questions from your documents, with citations.',
    addresses: endpoints,
    example: { 'POST /ask': example },
  }))
  app.get('/openapi.yaml', async (_, reply) => await reply.type('application/yaml; charset=utf-8').send(openapi))
  app.get('/docs', async (_, reply) => {
    page ??= withHeaders(referencePage(openapi), pageHeaders)
    return await reply.headers(page.headers).type('text/html; charset=utf-8').send(page.html)
  })
}

/** The policy allows only the page's own style, by hash, and no script. */
function withHeaders(html: string, pageHeaders: AboutOptions['pageHeaders']) {
  const policy = [
    "default-src 'none'",
    `style-src ${sourceHash('style', html)}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]
  return { html, headers: { ...pageHeaders, 'content-security-policy': policy.join('; ') } }
}
