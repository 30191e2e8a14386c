import Fastify from 'fastify'
import { readFileSync } from 'node:fs'
import { AskBody } from '../../src/http/replies/schemas.ts'

/**
 * `node bench/cache/bare.ts PORT REPLY.json`: what Fastify alone does for the same exchange. The body is parsed and checked
 * by the same schema, and a reply of the same bytes is given as an object. Without a schema for the reply, as Askwell
 * has none: Fastify serialises with JSON.stringify.
 */
const [port, file] = process.argv.slice(2)
const reply = JSON.parse(readFileSync(file!, 'utf8')) as object
const app = Fastify({ logger: false })
app.post('/ask', { schema: { body: AskBody } }, (_, response) => void response.send(reply))
await app.listen({ host: '127.0.0.1', port: Number(port) })
process.on('SIGTERM', () => void app.close().then(() => process.exit()))
