import { isLoopback } from './loopback.ts'
import type { RawSettings } from './settings.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** As curl and Node read them; the lower-case name wins. */
const proxyNames = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY']

/** Proxies that models would be called through, but cannot be. The address is not shown: it may have a password. */
export function proxyFaults(env: Environment, raw: RawSettings): string[] {
  if (!callsRemoteModels(raw)) return []
  return proxyNames
    .filter(name => env[name]?.trim() && !isProxy(env[name].trim()))
    .map(
      name =>
        `${name} is invalid: models are called through it, so it must be a URL such as http://proxy.example.edu:3128`,
    )
}

/** Proxies that have no effect. */
export function proxyNotices(env: Environment, raw: RawSettings): string[] {
  const isSet = (name: string) => Boolean(env[name]?.trim())
  const all = ['all_proxy', 'ALL_PROXY'].find(isSet)
  if (all === undefined || proxyNames.some(isSet) || !callsRemoteModels(raw)) return []
  return [`${all} has no effect: set HTTPS_PROXY or HTTP_PROXY if models are to be called through a proxy`]
}

function isProxy(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}

/** Models on this machine are called directly. */
function callsRemoteModels({ openaiApiKey, openaiBaseUrl, embeddingBaseUrl, rerankUrl }: RawSettings): boolean {
  if (openaiApiKey !== undefined && openaiBaseUrl === undefined) return true
  return [openaiBaseUrl, embeddingBaseUrl, rerankUrl].some(
    url => url !== undefined && URL.canParse(url) && !isLoopback(new URL(url).hostname.replace(/^\[|\]$/g, '')),
  )
}
