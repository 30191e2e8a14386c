import type { FastifyInstance } from 'fastify'
import { referencePage } from '../reference/page.ts'

export interface AboutOptions {
  readonly version: string
  /** openapi.yaml, as it stands in the repository. */
  readonly openapi: string
  /** For the one page. */
  readonly pageHeaders: Readonly<Record<string, string>>
}

const addresses = {
  'POST /ask': 'answers a question, with citations; JSON or server-sent events',
  'POST /search': 'finds passages, for those who bring their own generator',
  'GET /collections': 'what was loaded (needs the admin key)',
  'PUT /documents': 'loads or replaces documents (needs the admin key)',
  'GET /cache': 'what is remembered; DELETE forgets it (needs the admin key)',
  'GET /docs': 'the API, browsable',
  'GET /openapi.yaml': 'the API, for machines',
  'GET /metrics': 'figures for Prometheus',
  'GET /monitoring': 'how it fares, for people',
  'GET /livez, /readyz, /startupz': 'probes',
} as const

/** GET / tells what this is; GET /openapi.yaml is the contract; GET /docs is the same for people. */
export function registerAbout(app: FastifyInstance, { version, openapi, pageHeaders }: AboutOptions): void {
  // Made when it is first asked for: most services never are, and it takes longer than all else about starting the edge.
  let page: string | undefined
  const example = { question: 'How do I …?', collection: 'default' }
  app.get('/', async () => ({
    name: 'askwell',
    version,
    about: 'Answers questions from your documents, with citations.',
    addresses,
    example: { 'POST /ask': example },
  }))
  app.get('/openapi.yaml', async (_, reply) => await reply.type('application/yaml; charset=utf-8').send(openapi))
  app.get(
    '/docs',
    async (_, reply) =>
      await reply
        .headers(pageHeaders)
        .type('text/html; charset=utf-8')
        .header(
          'content-security-policy',
          "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        )
        .send((page ??= referencePage(openapi))),
  )
}
