import type { ApiKey } from './api-keys.ts'
import { isLoopback } from './loopback.ts'
import { ConfigError, type Config } from './terms.ts'

/**
 * The names, besides those of loopback, under which whoever needs no key may ask or look at the port on `address`; null:
 * any. Where something else keeps strangers out (ALLOW_ANONYMOUS says so, TRUST_PROXY says that a proxy is in front)
 * nothing is known of names, unless said.
 */
export function knownHosts(
  address: string,
  { allowAnonymous, trustProxy, allowedHosts }: Pick<Config, 'allowAnonymous' | 'trustProxy' | 'allowedHosts'>,
): readonly string[] | null {
  const isKeptElsewhere =
    (allowAnonymous && !isLoopback(address)) || (trustProxy !== null && allowedHosts === undefined)
  return isKeptElsewhere || allowedHosts?.[0] === '*' ? null : (allowedHosts ?? [])
}

/**
 * Throws a {@link ConfigError} when strangers could ask, or look at a monitoring port, without a key and nobody said that they may. Of the service
 * alone: what loads documents listens nowhere.
 */
export function refuseStrangers({
  host,
  monitoring,
  keys,
  allowAnonymous,
}: Pick<Config, 'host' | 'monitoring' | 'keys' | 'allowAnonymous'>): void {
  if (allowAnonymous) return
  const isOpen = (address: string, scope: ApiKey['scopes'][number]) =>
    !isLoopback(address) && !keys.some(({ scopes }) => scopes.includes(scope))
  const faults = [
    ...(isOpen(host, 'ask') ? [strangersAsk(host)] : []),
    ...(monitoring && isOpen(monitoring.host, 'monitoring') ? [strangersLook(monitoring.host)] : []),
  ]
  if (faults.length > 0) throw new ConfigError(faults)
}

function strangersAsk(host: string): string {
  return (
    `HOST is ${JSON.stringify(host)}, where others can reach it, and no key is needed to ask; set API_KEYS or API_KEYS_FILE ` +
    '(`askwell key new --name web` makes a key), HOST=127.0.0.1, or ALLOW_ANONYMOUS=on where something else keeps strangers out'
  )
}

function strangersLook(host: string): string {
  return (
    `MONITORING_HOST is ${JSON.stringify(host)}, where others can reach it, and no key is needed to look; set MONITORING_API_KEY, ` +
    'MONITORING_HOST=127.0.0.1, or ALLOW_ANONYMOUS=on where something else keeps strangers out'
  )
}
