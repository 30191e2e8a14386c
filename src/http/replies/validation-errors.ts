import type { FastifyError } from 'fastify'
import { AskError, type Fault } from '../../errors.ts'
import { patternWords } from './schemas.ts'

/** What the schemas find wrong, in words for whoever wrote the client. */

type SchemaFault = NonNullable<FastifyError['validation']>[number] & { readonly propertyName?: string }

/** A body of nothing but faults must not get a reply larger than itself. */
export const maxShown = 50
/** Of a pointer and of a fault's words, in characters: a name can be as long as the body. */
const longestShown = 1000

/** Takes no more faults than it shows, and one to know whether there are more. */
export function invalid(faults: Iterable<Fault>): AskError {
  const found = Iterator.from(faults)
    .take(maxShown + 1)
    .map(shownOf)
    .toArray()
  const [first] = found
  if (first && found.length === 1)
    return new AskError('invalid_request', { detail: `${first.pointer || 'the body'} ${first.detail}`, faults: found })
  const detail =
    found.length > maxShown
      ? `more than ${maxShown} faults; the first ${maxShown} are listed in errors`
      : `${found.length} faults; see errors`
  return new AskError('invalid_request', { detail, faults: found.slice(0, maxShown) })
}

function shownOf({ pointer, detail }: Fault): Fault {
  return { pointer: shown(pointer), detail: shown(detail) }
}

function shown(text: string): string {
  return text.length <= longestShown ? text : `${text.slice(0, longestShown)}…`.toWellFormed()
}

export function invalidBody(faults: readonly SchemaFault[]): AskError {
  return invalid(Iterator.from(withoutEchoes(faults)).map(faultOf))
}

/** Faults of the address have no pointer: those lead into the body. */
export function invalidAddress(faults: readonly SchemaFault[]): AskError {
  const details = faults.slice(0, maxShown).map(fault => `${fault.instancePath.slice(1)} ${wordsOf(fault)}`)
  return new AskError('invalid_request', { detail: `in the address, ${details.join(' and ')}` })
}

export function pointerTo(parent: string, name: string): string {
  return `${parent}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
}

/**
 * Leaves out what another fault already says. A value that fits no branch of a union has a fault a branch, and the
 * union's own; a field's name has its fault and that of the field; an empty text is too short and blank.
 */
function withoutEchoes(faults: readonly SchemaFault[]): Iterable<SchemaFault> {
  // A set: thousands of filters can fail the same union, and comparing each with each would take minutes.
  const unions = [...new Set(faults.filter(({ keyword }) => keyword === 'anyOf').map(fault => fault.schemaPath))]
  const blank = new Set(faults.filter(isBlank).map(fault => fault.instancePath))
  return Iterator.from(faults).filter(({ keyword, schemaPath, instancePath, propertyName }) => {
    if (propertyName !== undefined && keyword !== 'propertyNames') return false
    if (keyword === 'minLength' && blank.has(instancePath)) return false
    return !unions.some(union => schemaPath !== union && schemaPath.startsWith(union))
  })
}

function faultOf(fault: SchemaFault): Fault {
  return { pointer: placeOf(fault), detail: wordsOf(fault) }
}

/** A field that is missing, unknown or misnamed is a fault of that field, not of the object around it. */
function placeOf({ instancePath, keyword, params }: SchemaFault): string {
  const name = {
    required: params['missingProperty'],
    additionalProperties: params['additionalProperty'],
    propertyNames: params['propertyName'],
  }[keyword]
  return name === undefined ? instancePath : pointerTo(instancePath, String(name))
}

function wordsOf(fault: SchemaFault): string {
  const { keyword, params, message } = fault
  if (isBlank(fault)) return 'must not be blank'
  switch (keyword) {
    case 'required':
      return 'is required'
    case 'additionalProperties':
      return 'is not a known field'
    case 'propertyNames':
      return 'is not a possible name: it must have 1 to 200 characters'
    case 'type':
      return `must be ${/^[aeiou]/.test(String(params['type'])) ? 'an' : 'a'} ${String(params['type'])}`
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
      return boundWords(keyword, Number(params['limit'])) ?? message ?? 'is not valid'
  }
}

function boundWords(keyword: string, limit: number): string | undefined {
  const words: Readonly<Record<string, string>> = {
    minimum: `must be at least ${limit}`,
    maximum: `must be at most ${limit}`,
    minLength: `must have at least ${limit} characters`,
    maxLength: `must have at most ${limit} characters`,
    minItems: `must have at least ${limit} items`,
    maxItems: `must have at most ${limit} items`,
    minProperties: `must have at least ${limit} fields`,
    maxProperties: `must have at most ${limit} fields`,
  }
  return words[keyword]?.replace(/\b1 (character|item|field)s$/, '1 $1')
}

function isBlank({ keyword, params }: SchemaFault): boolean {
  return keyword === 'pattern' && params['pattern'] === '\\S'
}
