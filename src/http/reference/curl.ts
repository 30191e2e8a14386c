interface Callable {
  readonly method: string
  readonly path: string
  readonly parameters: readonly { readonly name: string; readonly example: string }[]
  readonly security?: readonly object[]
  readonly requestBody?: {
    readonly content: Readonly<
      Record<string, { readonly examples?: Readonly<Record<string, { readonly value: unknown }>> }>
    >
  }
}

/** Returns a command that calls an operation on a local service. */
export function curlOf({ method, path, parameters, security, requestBody }: Callable): string {
  const filledPath = parameters.reduce((filled, { name, example }) => filled.replace(`{${name}}`, example), path)
  const [body] = Object.values(requestBody?.content['application/json']?.examples ?? {})
  const isImplied = method === 'get' || (method === 'post' && body !== undefined)
  return [
    `curl ${isImplied ? '' : `-X ${method.toUpperCase()} `}http://localhost:3000${filledPath}`,
    ...(security && !isKeyOptional(security) ? ['-H "authorization: Bearer $ADMIN_API_KEY"'] : []),
    ...(body ? ["-H 'content-type: application/json'", `-d ${quoted(JSON.stringify(body.value))}`] : []),
  ].join(' \\\n  ')
}

/** True if an empty requirement is among the alternatives, so that the key may be omitted. */
export function isKeyOptional(security: readonly object[]): boolean {
  return security.some(way => Object.keys(way).length === 0)
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
