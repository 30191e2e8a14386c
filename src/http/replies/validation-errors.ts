import type { FastifyError } from 'fastify'
import { AskError, type Fault } from '../../errors.ts'
import { patternWords } from './schemas.ts'

/** Turns schema faults into messages for the author of the client. */

type SchemaFault = NonNullable<FastifyError['validation']>[number] & { readonly propertyName?: string }

/** Limits the reply, which must not become larger than an invalid body. */
export const maxShown = 50
/** Longest pointer or message, in characters: a name can be as long as the body. */
const maxLength = 1000

/** Reads one fault more than it reports, to know whether there are more. */
export function invalid(faults: Iterable<Fault>): AskError {
  const found = Iterator.from(faults)
    .take(maxShown + 1)
    .map(shortened)
    .toArray()
  const [first] = found
  if (first && found.length === 1)
    return new AskError('invalid_request', { detail: `${first.pointer || 'The body'} ${first.detail}.`, faults: found })
  const detail =
    found.length > maxShown
      ? `The body has more than ${maxShown} faults; errors lists the first ${maxShown}.`
      : `The body has ${found.length} faults; see errors.`
  return new AskError('invalid_request', { detail, faults: found.slice(0, maxShown) })
}

function shortened({ pointer, detail }: Fault): Fault {
  return { pointer: shorten(pointer), detail: shorten(detail) }
}

function shorten(text: string): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength)}…`.toWellFormed()
}

export function invalidBody(faults: readonly SchemaFault[]): AskError {
  return invalid(Iterator.from(withoutDuplicates(faults)).map(faultOf))
}

/** Faults of the URL have no pointer, because pointers lead into the body. */
export function invalidAddress(faults: readonly SchemaFault[]): AskError {
  const details = faults.slice(0, maxShown).map(fault => `${fault.instancePath.slice(1)} ${messageOf(fault)}`)
  return new AskError('invalid_request', { detail: `In the URL, ${details.join(' and ')}.` })
}

export function pointerTo(parent: string, name: string): string {
  return `${parent}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
}

/**
 * Removes faults that repeat another one. A value that matches no branch of a union has one fault per branch and one of
 * the union; an invalid name has a fault of its own and one of the field; an empty text is both too short and blank.
 */
function withoutDuplicates(faults: readonly SchemaFault[]): Iterable<SchemaFault> {
  // Deduplicated: thousands of filters can fail the same union, and comparing all pairs would take minutes.
  const unions = [...new Set(faults.filter(({ keyword }) => keyword === 'anyOf').map(fault => fault.schemaPath))]
  const blank = new Set(faults.filter(isBlank).map(fault => fault.instancePath))
  return Iterator.from(faults).filter(({ keyword, schemaPath, instancePath, propertyName }) => {
    if (propertyName !== undefined && keyword !== 'propertyNames') return false
    if (keyword === 'minLength' && blank.has(instancePath)) return false
    return !unions.some(union => schemaPath !== union && schemaPath.startsWith(union))
  })
}

function faultOf(fault: SchemaFault): Fault {
  return { pointer: pointerOf(fault), detail: messageOf(fault) }
}

/** Points to the field that is missing, unknown or misnamed instead of the object that contains it. */
function pointerOf({ instancePath, keyword, params }: SchemaFault): string {
  const name = {
    required: params['missingProperty'],
    additionalProperties: params['additionalProperty'],
    propertyNames: params['propertyName'],
  }[keyword]
  return typeof name === 'string' ? pointerTo(instancePath, name) : instancePath
}

function messageOf(fault: SchemaFault): string {
  const { keyword, params, message } = fault
  if (isBlank(fault)) return 'must not be blank'
  switch (keyword) {
    case 'required':
      return 'is required'
    case 'additionalProperties':
      return 'is not a known field'
    case 'propertyNames':
      return 'is not an allowed name; it must have 1 to 200 characters'
    case 'type':
      return typeMessage(String(params['type']))
    case 'enum':
      return `must be one of ${(params['allowedValues'] as string[]).join(', ')}`
    case 'anyOf':
      return 'must be a string, a number or a boolean; {"in": […]} with 1 to 100 of them; or a range {"gt", "gte", "lt", "lte"} of strings or numbers'
    case 'pattern':
      return patternWords[String(params['pattern'])] ?? message ?? 'is not valid'
    case 'format':
      return params['format'] === 'uri'
        ? 'must be an absolute URL'
        : `must be a ${String(params['format']).toUpperCase()}`
    default:
      return limitMessage(keyword, Number(params['limit'])) ?? message ?? 'is not valid'
  }
}

function typeMessage(type: string): string {
  return `must be ${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`
}

function limitMessage(keyword: string, limit: number): string | undefined {
  const messages: Readonly<Record<string, string>> = {
    minimum: `must be at least ${limit}`,
    maximum: `must be at most ${limit}`,
    minLength: `must have at least ${limit} characters`,
    maxLength: `must have at most ${limit} characters`,
    minItems: `must have at least ${limit} items`,
    maxItems: `must have at most ${limit} items`,
    minProperties: `must have at least ${limit} fields`,
    maxProperties: `must have at most ${limit} fields`,
  }
  return messages[keyword]?.replace(/\b1 (character|item|field)s$/, '1 $1')
}

function isBlank({ keyword, params }: SchemaFault): boolean {
  return keyword === 'pattern' && params['pattern'] === '\\S'
}
