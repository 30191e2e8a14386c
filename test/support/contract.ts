import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { sseEvents, type SseEvent } from './sse.ts'

/** Checks real replies against openapi.yaml. Anything that is not in the contract must not be sent. */

export interface GivenReply {
  readonly method: string
  /** As requested, including the query. */
  readonly path: string
  readonly status: number
  readonly headers: Headers | Readonly<Record<string, string | number | readonly string[] | undefined>>
  readonly body: string
}

interface Asserting {
  same(found: unknown, wanted: unknown, message: string): unknown
}

type Json = Readonly<Record<string, unknown>>

/** A position in openapi.yaml and the value there. */
interface Place {
  readonly pointer: string
  readonly value: Json
}

export const contract = parse(readFileSync(new URL('../../openapi.yaml', import.meta.url), 'utf8')) as Json

const ajv = new Ajv2020({ strict: false, allErrors: true })
addFormats.default(ajv)
ajv.addSchema(contract, 'contract')

/** A single assertion that lists everything in the reply that is not as documented. */
export function assertContract(t: Asserting, reply: GivenReply): void {
  t.same(
    contractFaults(reply),
    [],
    `${reply.method} ${reply.path.slice(0, 100)} → ${reply.status}: as openapi.yaml has it`,
  )
}

export function contractFaults(reply: GivenReply): string[] {
  const responses = responsesFor(reply)
  const response = at(responses, String(reply.status))
  if (!response) return [`status ${reply.status} is not documented: ${reply.body.slice(0, 300)}`]
  return [...headerFaults(response, reply), ...bodyFaults(response, reply)]
}

/** Checks each event of a whole stream against its schema, and the order of events against the documentation. */
export function eventFaults(text: string): string[] {
  const frames = text.split('\n\n')
  const torn = frames.pop() === '' ? [] : ['the stream ends inside an event']
  const odd = frames
    .filter(frame => !/^(: .*|event: \w+\ndata: .*)$/.test(frame))
    .map(frame => `not an event: ${frame.slice(0, 200)}`)
  if (torn.length + odd.length > 0) return [...torn, ...odd]
  const events = sseEvents(text)
  return [...events.flatMap(eventFault), ...orderFaults(events)]
}

function eventFault({ event, data }: SseEvent): string[] {
  const name = `${event.charAt(0).toUpperCase()}${event.slice(1)}Event`
  const schema = place(`/components/schemas/${name}`)
  return schema
    ? schemaFaults(schema.pointer, { event, data }).map(fault => `event ${event}: ${fault}`)
    : [`event ${event} is not documented`]
}

function orderFaults(events: readonly SseEvent[]): string[] {
  const order = events.map(({ event }) => event).join(' ')
  if (/^(passages )?(delta )*(citations )?error$/.test(order)) return []
  if (!/^(passages )?(delta )+citations done$/.test(order)) return [`events in this order: ${order}`]
  const said = events
    .filter(({ event }) => event === 'delta')
    .map(({ data }) => data.text)
    .join('')
  return said.trim() === events.at(-1)?.data.answer
    ? []
    : [`the pieces say ${JSON.stringify(said)}, which is not the answer`]
}

/**
 * Documented responses of the operation, or of `x-elsewhere` if there is no such operation. HEAD is GET without a body.
 */
function responsesFor({ method, path }: GivenReply): Place {
  const address = addressOf(path)
  const template = Object.keys(contract['paths'] as Json).find(each => fits(address, each))
  const operation = method === 'HEAD' ? 'get' : method.toLowerCase()
  const found = template === undefined ? undefined : place(`/paths/${escaped(template)}/${operation}/responses`)
  return found ?? { pointer: '/x-elsewhere', value: contract['x-elsewhere'] as Json }
}

/** The path as the routes see it: without host, query and fragment, and with percent-encoding decoded. */
function addressOf(path: string): string {
  const address = path.replace(/^(https?:\/\/[^/]*|\*$)/, '').split(/[?#]/)[0] || '/'
  try {
    return decodeURI(address)
  } catch {
    return address
  }
}

/** An empty path segment also matches its route, which rejects it. */
function fits(address: string, template: string): boolean {
  return new RegExp(`^${template.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]*')}$`).test(address)
}

function headerFaults(response: Place, { headers }: GivenReply): string[] {
  const documented = at(response, 'headers')
  return Object.keys(documented?.value ?? {}).flatMap(name => {
    const header = at(documented as Place, name) as Place
    const value = headerOf(headers, name)
    if (value === undefined) return header.value['required'] === true ? [`header ${name} is missing`] : []
    return schemaFaults(`${header.pointer}/schema`, value).map(fault => `header ${name}: ${fault}`)
  })
}

function bodyFaults(response: Place, { method, headers, body }: GivenReply): string[] {
  const content = at(response, 'content')
  if (method === 'HEAD' || !content) return body === '' ? [] : ['there is a body']
  const type = (headerOf(headers, 'content-type') ?? 'none').split(';')[0] ?? ''
  const schema = at(content, type)
  if (!schema) return [`content type ${type} is not documented: ${body.slice(0, 300)}`]
  if (type === 'text/event-stream') return eventFaults(body)
  if (!type.endsWith('json')) return schemaFaults(`${schema.pointer}/schema`, body)
  const value: unknown = JSON.parse(body)
  return [...schemaFaults(`${schema.pointer}/schema`, value), ...instanceFaults(type, value as Json, headers)]
}

function instanceFaults(type: string, value: Json, headers: GivenReply['headers']): string[] {
  if (type !== 'application/problem+json' || value['instance'] === headerOf(headers, 'x-request-id')) return []
  return ['the instance of the problem is not the id of the request']
}

/** Violations of the schema at a position in openapi.yaml by a value. */
export function schemaFaults(pointer: string, value: unknown): string[] {
  const validate = ajv.getSchema(`contract#${pointer}`)
  if (!validate) throw new Error(`openapi.yaml has no schema at ${pointer}`)
  if (validate(value)) return []
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  )
}

/** A member of a position; a `$ref` is followed. */
export function at(parent: Place, name: string): Place | undefined {
  return place(`${parent.pointer}/${escaped(name)}`)
}

export function place(pointer: string): Place | undefined {
  let value: unknown = contract
  for (const part of pointer.split('/').slice(1)) {
    value = (value as Json | undefined)?.[part.replaceAll('~1', '/').replaceAll('~0', '~')]
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { $ref } = value as Json
  return typeof $ref === 'string' ? place($ref.slice(1)) : { pointer, value: value as Json }
}

function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}

function headerOf(headers: GivenReply['headers'], name: string): string | undefined {
  const value = headers instanceof Headers ? headers.get(name) : headers[name]
  return value === null || value === undefined ? undefined : String(value)
}
