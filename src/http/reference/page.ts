import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { Html, html } from './html.ts'
import type { Content, Example, OpenApi, Operation, Parameter, Reference, Response, Responses } from './openapi.ts'
import { curlOf, isKeyOptional } from './curl.ts'
import { markdown, phrase, schemaHtml, schemaName, type Schema } from './schema.ts'

const style = new Html(readFileSync(new URL('style.css', import.meta.url), 'utf8'))

/** Renders the contract as one HTML page, without scripts and external resources. */
export function referencePage(openapi: string): string {
  const contract = withDescriptions(parse(openapi) as OpenApi)
  const { info, tags, components } = contract
  const operations = operationsOf(contract)
  const groups = tags.map(tag => ({
    ...tag,
    operations: operations.filter(operation => operation.tags.includes(tag.name)),
  }))
  return html`<!doctype html>
    <html lang="en">
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <title>${info.title} ${info.version}: the API</title>
      <style>
        ${style}
      </style>
      <a class="skip" href="#main">Skip to the operations</a>
      <nav aria-label="Contents">
        <p><strong>${info.title}</strong> ${info.version}</p>
        ${groups.map(
          group =>
            html`<h2>${group.name}</h2>
              <ul>
                ${group.operations.map(linkHtml)}
              </ul>`,
        )}
        <h2>More</h2>
        <ul>
          <li><a href="#errors">Errors</a></li>
          <li><a href="#schemas">Schemas</a></li>
          <li><a href="/openapi.yaml">openapi.yaml</a></li>
        </ul>
      </nav>
      <main id="main">
        <h1>${info.title}</h1>
        <p class="lead">${info.summary}</p>
        ${markdown(info.description)}
        ${groups.map(
          group =>
            html`<section>
              <h2>${group.name}</h2>
              ${markdown(group.description)} ${group.operations.map(operation => operationHtml(operation, contract))}
            </section>`,
        )}
        <section id="errors">
          <h2>Errors</h2>
          <p>Replies that any endpoint may send. For an unknown path or method:</p>
          ${errorsHtml(contract['x-elsewhere'], contract)}
          ${Object.entries(components.responses).map(([name, response]) => problemHtml(name, response))}
        </section>
        <section id="schemas">
          <h2>Schemas</h2>
          ${Object.entries(components.schemas).map(
            ([name, schema]) =>
              html`<article id="${name}">
                <h3>${name}</h3>
                ${markdown(schema.description)}${schemaHtml(schema)}
              </article>`,
          )}
        </section>
      </main>
    </html> `.text
}

/** Copies descriptions of schemas to references that have none of their own. */
function withDescriptions(contract: OpenApi): OpenApi {
  return JSON.parse(JSON.stringify(contract), (_, value: unknown) => {
    if (typeof value !== 'object' || value === null || !('$ref' in value) || 'description' in value) return value
    const { description } = contract.components.schemas[schemaName(value as Schema)] ?? {}
    return description === undefined ? value : { ...value, description }
  }) as OpenApi
}

function operationsOf({ paths }: OpenApi): Operation[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    (['get', 'put', 'post', 'delete'] as const).flatMap(method => {
      const operation = item[method]
      return operation ? [{ ...operation, method, path, parameters: item.parameters ?? [] }] : []
    }),
  )
}

function linkHtml({ operationId, method, path }: Operation): Html {
  return html`<li>
    <a href="#${operationId}"><span class="method ${method}">${method.toUpperCase()}</span> ${path}</a>
  </li>`
}

function operationHtml(operation: Operation, contract: OpenApi): Html {
  const { operationId, method, path, summary, description, parameters, requestBody, responses, security } = operation
  return html`<article id="${operationId}">
    <h3>
      <span class="method ${method}">${method.toUpperCase()}</span> <code>${path}</code> <small>${summary}</small>
    </h3>
    ${markdown(description)}
    ${security ? html`<p>Needs a key${isKeyOptional(security) ? ' if the service has keys with this scope' : ''}: <code>Authorization: Bearer KEY</code></p>` : undefined}
    ${codeHtml('curl', curlOf(operation))}
    ${
      parameters.length > 0
        ? html`<h4>Parameters</h4>
            <dl>${parameters.map(parameterHtml)}</dl>`
        : undefined
    }
    ${
      requestBody
        ? html`<h4>Body</h4>
            ${contentHtml(requestBody.content, contract, true)}`
        : undefined
    }
    ${Object.entries(responses).map(([status, response]) => replyHtml(status, resolved(response, contract), contract))}
    <h4>Errors</h4>
    ${errorsHtml(responses, contract)}
  </article>`
}

function parameterHtml({ name, description, schema }: Parameter): Html {
  return html`<dt><code>${name}</code> <em>required</em></dt>
    <dd>${phrase(description)}${schemaHtml(schema)}</dd>`
}

/** Renders a reply, unless it is a problem. */
function replyHtml(status: string, { description, content }: Response, contract: OpenApi): Html {
  if (content && isProblem(content)) return html``
  return html`<h4>Reply ${status}</h4>
    <p>${phrase(description)}</p>
    ${content ? contentHtml(content, contract) : undefined}`
}

function contentHtml(content: Content, { components }: OpenApi, isOpen = false): Html {
  return html`${Object.entries(content).map(
    ([type, { schema, examples = {} }]) =>
      html`<p><code>${type}</code></p>
        ${schemaHtml(schema)}
        ${schema.$ref === undefined ? undefined : html`<details${isOpen ? ' open' : ''}><summary>Fields</summary>${schemaHtml(components.schemas[schemaName(schema)] ?? {})}</details>`}
        ${examplesHtml(examples, type === 'text/event-stream' ? asFrame : asJson)}`,
  )}`
}

function examplesHtml(examples: Readonly<Record<string, Example>>, shown: (value: unknown) => string = asJson): Html {
  return html`${Object.entries(examples).map(
    ([name, { summary, value }]) =>
      html`<details>
        <summary>Example: ${summary ?? name.replaceAll('_', ' ')}</summary>
        ${codeHtml(name, shown(value))}
      </details>`,
  )}`
}

function asJson(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2)
}

/** Formats an event as it appears in a stream. */
function asFrame(value: unknown): string {
  const { event, data } = value as { event: string; data: unknown }
  return `event: ${event}\ndata: ${JSON.stringify(data)}`
}

/** A code block whose text is selected with one click, or with "select all" on the keyboard. */
function codeHtml(label: string, text: string): Html {
  return html`<pre tabindex="0" aria-label="${label}"><code>${text}</code></pre>`
}

function errorsHtml(responses: Responses, contract: OpenApi): Html {
  const problems = Object.entries(responses).map(([status, response]) => ({
    status,
    response,
    of: resolved(response, contract),
  }))
  return html`<div class="table">
    <table>
      <thead>
        <tr>
          <th>Status</th>
          <th>Code</th>
          <th>When</th>
        </tr>
      </thead>
      <tbody>
        ${problems
          .filter(({ of }) => of.content && isProblem(of.content))
          .map(
            ({ status, response, of }) =>
              html`<tr>
                <td>${nameOf(response) === undefined ? status : html`<a href="#${nameOf(response)}">${status}</a>`}</td>
                <td>${codesOf(of).map(code => html`<code>${code}</code> `)}</td>
                <td>${phrase(of.description)}</td>
              </tr>`,
          )}
      </tbody>
    </table>
  </div>`
}

function problemHtml(name: string, response: Response): Html {
  const headers = Object.keys(response.headers ?? {})
  return html`<article id="${name}">
    <h3>${phrase(response.description)}</h3>
    <p>
      ${codesOf(response).map(code => html`<code>${code}</code> `)} with the headers
      ${headers.map(header => html`<code>${header}</code> `)}
    </p>
    ${examplesHtml(response.content?.[problemType]?.examples ?? {})}
  </article>`
}

const problemType = 'application/problem+json'

function isProblem(content: Content): boolean {
  return problemType in content
}

/** Reads the codes from the schema: each response narrows the problem to its own codes. */
function codesOf({ content }: Response): string[] {
  const narrowed = (content?.[problemType]?.schema['allOf'] as readonly Schema[] | undefined)?.[1]?.properties?.['code']
  return (narrowed?.enum ?? [narrowed?.const]).map(String)
}

function resolved(response: Response | Reference, { components }: OpenApi): Response {
  const name = nameOf(response)
  return name === undefined ? (response as Response) : (components.responses[name] as Response)
}

function nameOf(response: Response | Reference): string | undefined {
  return '$ref' in response ? response.$ref.split('/').at(-1) : undefined
}
