import { globalAgent, type AgentOptions } from 'node:http'
import type { Dispatcher } from 'undici'
import { isLoopback } from '../../config/loopback.ts'
import { beginningOf, wholeOf, type ReplyBody } from './reply-bounds.ts'
import { unpacked } from './unpacked.ts'

type Init = NonNullable<Parameters<typeof fetch>[1]>
type Send = (url: string, init: Init, headers: Headers) => Promise<Dispatcher.ResponseData>

export interface ModelFetchOptions {
  /** Headers that replace those of the caller, read for each request. Another host never gets them. */
  readonly headers?: () => Readonly<Record<string, string>>
  /** Called when the API rejected the key (401, 403). If `headers` are others afterwards, the request is made again. */
  readonly onKeyRejected?: (() => void) | undefined
}

/** The `code` of an error: the proxy did not connect us to the API. */
export const proxyRefused = 'PROXY_REFUSED'

const mostRedirects = 5

/**
 * Replaces Node's `fetch` for calls to models: it uses undici, the client that `fetch` is built on, without web streams.
 * Timeouts and errors are the same, and a fresh answer costs an eighth to a fifth less CPU. The replies have only the
 * parts of `Response` that are needed here, and are read up to a limit. Proxies of the environment are used
 * (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`). A redirect is followed if the request may be repeated as it was.
 */
export function createModelFetch({ headers = () => ({}), onKeyRejected }: ModelFetchOptions = {}): typeof fetch {
  let sending: Promise<Send> | undefined

  async function sendTo(address: string, init: Init, isOwn: boolean): Promise<Dispatcher.ResponseData> {
    const send = await (sending ??= openSend())
    const given = new Headers(init.headers)
    if (!isOwn) given.delete('authorization')
    for (const [name, value] of isOwn ? Object.entries(headers()) : []) given.set(name, value)
    return await send(address, init, given)
  }

  async function sendWithKey(address: string, init: Init): Promise<Dispatcher.ResponseData> {
    const before = JSON.stringify(headers())
    const data = await sendTo(address, init, true)
    if ((data.statusCode !== 401 && data.statusCode !== 403) || !onKeyRejected) return data
    onKeyRejected()
    if (JSON.stringify(headers()) === before) return data
    discard(data)
    return await sendTo(address, init, true)
  }

  return async (url, init = {}) => {
    let address = addressOf(url)
    let isOwn = true
    let data = await sendWithKey(address, init)
    for (let redirects = 0; isRedirect(data); redirects++) {
      discard(data)
      if (redirects === mostRedirects || init.redirect === 'error') throw new Error('the server redirects')
      const next = new URL(String(data.headers['location']), address)
      isOwn &&= next.origin === new URL(address).origin
      address = next.href
      data = await sendTo(address, init, isOwn)
    }
    return replyOf(data.statusCode, headersOf(data), unpacked(data.headers['content-encoding'], data.body), address)
  }
}

/** Closes the connection of a reply that nobody reads. */
export function discard({ body }: { readonly body: unknown }): void {
  const stream = body as Dispatcher.ResponseData['body'] | null
  stream?.on('error', () => {}).destroy()
}

function addressOf(url: Parameters<typeof fetch>[0]): string {
  if (typeof url === 'string') return url
  return 'href' in url ? url.href : url.url
}

/**
 * undici is loaded with the first call, as Node does for its own: loading takes 25–100 ms, which no start should wait
 * for.
 */
async function openSend(): Promise<Send> {
  const { Agent, EnvHttpProxyAgent, request } = await import('undici')
  const options = { allowH2: false }
  const direct = new Agent(options)
  const tunnelled = new EnvHttpProxyAgent({ ...options, proxyTunnel: true })
  const forwarded = new EnvHttpProxyAgent({ ...options, proxyTunnel: false })
  const withoutTunnel = new Set<string>()

  function sendBy(dispatcher: Dispatcher, url: string, { method, body, signal }: Init, headers: Headers) {
    return request(url, {
      dispatcher,
      method: method as Dispatcher.HttpMethod,
      // Compressing costs more than it saves. Some gateways do it all the same.
      headers: { ...Object.fromEntries(headers), 'accept-encoding': 'identity' },
      body: (body ?? null) as string | null,
      signal: signal ?? null,
    })
  }

  return async (url, init, headers) => {
    const { protocol, hostname, origin } = new URL(url)
    // Nothing on this machine is behind a proxy, unless Node is set to treat it so.
    if (isLoopback(hostname.replace(/^\[|\]$/g, '')) && !usesNodeProxies())
      return await sendBy(direct, url, init, headers)
    if (withoutTunnel.has(origin)) return await sendBy(forwarded, url, init, headers)
    try {
      return await sendBy(tunnelled, url, init, headers)
    } catch (error) {
      if (!isProxyRefusal(error)) throw error
      if (protocol === 'https:') throw Object.assign(new Error('the proxy refused', { cause: error }), refusal)
      // Many proxies connect to port 443 only, and pass on other requests themselves.
      withoutTunnel.add(origin)
      return await sendBy(forwarded, url, init, headers)
    }
  }
}

const refusal = { code: proxyRefused }

/** undici has no code of its own for it. */
function isProxyRefusal(error: unknown): boolean {
  return error instanceof Error && /^Proxy response \(\d+\)/.test(error.message)
}

/** True with `NODE_USE_ENV_PROXY=1` or Node's flag for it: Node then uses proxies for local addresses too. */
function usesNodeProxies(): boolean {
  return (globalAgent as unknown as { readonly options: AgentOptions }).options.proxyEnv !== undefined
}

/** Other redirects would turn the request into a GET without its body. */
function isRedirect({ statusCode, headers }: Dispatcher.ResponseData): boolean {
  return (statusCode === 307 || statusCode === 308) && headers['location'] !== undefined
}

function headersOf({ headers }: Dispatcher.ResponseData): Headers {
  return new Headers(Object.entries(headers).map(([name, value]) => [name, String(value)]))
}

function replyOf(status: number, headers: Headers, body: ReplyBody, url: string): Response {
  const ok = status >= 200 && status < 300
  const text = () => (ok ? wholeOf(body) : beginningOf(body))
  const read = { status, ok, url, headers, body, text, json: async () => JSON.parse(await text()) as unknown }
  return read as unknown as Response
}
