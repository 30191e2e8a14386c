import type { ApiKey } from './api-keys.ts'
import { isLoopback } from './loopback.ts'
import { ConfigError, type Config } from './terms.ts'

/**
 * The host names, besides loopback names, under which a caller without a key may use the port on `address`. Null when
 * any name is allowed: ALLOW_ANONYMOUS says that something else restricts access, or TRUST_PROXY says that a proxy is
 * in front and ALLOWED_HOSTS names no hosts.
 */
export function knownHosts(
  address: string,
  { allowAnonymous, trustProxy, allowedHosts }: Pick<Config, 'allowAnonymous' | 'trustProxy' | 'allowedHosts'>,
): readonly string[] | null {
  const isProtectedElsewhere =
    (allowAnonymous && !isLoopback(address)) || (trustProxy !== null && allowedHosts === undefined)
  return isProtectedElsewhere || allowedHosts?.[0] === '*' ? null : (allowedHosts ?? [])
}

/**
 * Throws a {@link ConfigError} if other machines could ask, or read the monitoring port, without a key, and
 * ALLOW_ANONYMOUS is off. Only the service needs this check: the commands that load documents do not listen.
 */
export function rejectOpenAccess({
  host,
  monitoring,
  keys,
  allowAnonymous,
}: Pick<Config, 'host' | 'monitoring' | 'keys' | 'allowAnonymous'>): void {
  if (allowAnonymous) return
  const isOpen = (address: string, scope: ApiKey['scopes'][number]) =>
    !isLoopback(address) && !keys.some(({ scopes }) => scopes.includes(scope))
  const faults = [
    ...(isOpen(host, 'ask') ? [openForAsking(host)] : []),
    ...(monitoring && isOpen(monitoring.host, 'monitoring') ? [openForMonitoring(monitoring.host)] : []),
  ]
  if (faults.length > 0) throw new ConfigError(faults)
}

function openForAsking(host: string): string {
  return (
    `HOST is ${JSON.stringify(host)}, which other machines can reach, and asking needs no key; set API_KEYS or API_KEYS_FILE ` +
    '(`askwell key new --name web` creates a key), HOST=127.0.0.1, or ALLOW_ANONYMOUS=on if something else restricts access'
  )
}

function openForMonitoring(host: string): string {
  return (
    `MONITORING_HOST is ${JSON.stringify(host)}, which other machines can reach, and monitoring needs no key; set MONITORING_API_KEY, ` +
    'MONITORING_HOST=127.0.0.1, or ALLOW_ANONYMOUS=on if something else restricts access'
  )
}
