import { micromark } from 'micromark'
import { gfm, gfmHtml } from 'micromark-extension-gfm'
import { Html, html } from './html.ts'

/** Renders JSON Schema as nested lists of fields. References become links, so each schema appears once. */

export interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly default?: unknown
  readonly example?: unknown
  readonly [keyword: string]: unknown
}

/** Renders a description, which is Markdown; raw HTML in it is escaped. */
export function markdown(text = ''): Html {
  return new Html(micromark(text, { extensions: [gfm()], htmlExtensions: [gfmHtml()] }))
}

/** Renders a description as inline HTML. */
export function phrase(text = ''): Html {
  const paragraph = /^<p>(.*)<\/p>$/s.exec(markdown(text.trim()).text)
  return paragraph?.[1] === undefined ? markdown(text) : new Html(paragraph[1])
}

export function schemaName({ $ref = '' }: Schema): string {
  return $ref.split('/').at(-1) ?? ''
}

/** Renders the type and limits on one line, then the fields. */
export function schemaHtml(schema: Schema): Html {
  return html`<p class="type">${typeOf(schema)}${limitsOf(schema)}</p>
    ${insideOf(schema)}`
}

function insideOf(schema: Schema): Html {
  if (schema.$ref !== undefined) return html``
  const branches = schema.oneOf ?? schema.anyOf
  if (branches?.some(branch => branch.properties))
    return html`<ul>
      ${branches.map(branch => html`<li>${phrase(branch.description)}${schemaHtml(branch)}</li>`)}
    </ul>`
  if (schema.items) return insideOf(schema.items)
  const fields = Object.entries(schema.properties ?? {})
  return fields.length === 0
    ? html``
    : html`<dl>${fields.map(([name, field]) => fieldHtml(name, field, schema.required?.includes(name)))}</dl>`
}

function fieldHtml(name: string, field: Schema, isRequired = false): Html {
  return html`<dt>
      <code>${name}</code> ${isRequired ? html`<em>required</em>` : undefined}
      <span class="type">${typeOf(field)}${limitsOf(field)}</span>
    </dt>
    <dd>${phrase(field.description)}${insideOf(field)}</dd>`
}

function typeOf(schema: Schema): Html {
  if (schema.$ref !== undefined) return html`<a href="#${schemaName(schema)}">${schemaName(schema)}</a>`
  if (schema.const !== undefined) return html`<code>${JSON.stringify(schema.const)}</code>`
  if (schema.enum) return joined(schema.enum.map(value => html`<code>${JSON.stringify(value)}</code>`))
  if (schema.items) return html`list of ${typeOf(schema.items)}`
  if (schema.oneOf ?? schema.anyOf) return joined((schema.oneOf ?? schema.anyOf ?? []).map(typeOf))
  if (typeof schema.additionalProperties === 'object')
    return html`object of ${typeOf(schema.additionalProperties)} by name`
  return html`${[schema.type ?? 'anything'].flat().join(' or ')}`
}

function joined(parts: readonly Html[]): Html {
  return html`${parts.map((part, at) => html`${at === 0 ? '' : ' or '}${part}`)}`
}

const limitWords: readonly (readonly [keyword: string, words: (limit: unknown) => string])[] = [
  ['format', format => String(format)],
  ['pattern', pattern => (pattern === '\\S' ? 'not blank' : `matches ${String(pattern)}`)],
  ['minimum', limit => `at least ${String(limit)}`],
  ['maximum', limit => `at most ${String(limit)}`],
  ['maxLength', limit => `at most ${String(limit)} characters`],
  ['minItems', limit => `at least ${String(limit)}`],
  ['maxItems', limit => `at most ${String(limit)}`],
  ['maxProperties', limit => `at most ${String(limit)} fields`],
  ['default', value => `default ${JSON.stringify(value)}`],
]

function limitsOf(schema: Schema): Html {
  return html`${limitWords.filter(([keyword]) => schema[keyword] !== undefined).map(([keyword, words]) => html`, ${words(schema[keyword])}`)}`
}
