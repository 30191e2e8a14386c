import { integer, proxyTrust, setting, words } from '../kinds.ts'

export const addressSettings = {
  host: setting('HOST', '127.0.0.1', 'Address to listen on; `0.0.0.0` for all interfaces.', words),
  port: setting('PORT', '3000', 'Port to listen on; `0` picks a free one.', integer(0, 65_535)),
  monitoringPort: setting(
    'MONITORING_PORT',
    undefined,
    'Separate port for `/metrics` and `/monitoring`, which `PORT` then no longer serves; `0` picks a free one. Unset: served on `PORT`.',
    integer(0, 65_535),
  ),
  monitoringHost: setting(
    'MONITORING_HOST',
    '127.0.0.1',
    'Address to listen on for `MONITORING_PORT`; `0.0.0.0` for all interfaces.',
    words,
  ),
  trustProxy: setting(
    'TRUST_PROXY',
    'off',
    "Proxies whose `X-Forwarded-For` is trusted. `on`: one proxy in front, so the last address in the header is the client's; a number: that many chained proxies; networks, such as `10.0.0.0/8,loopback`: proxies in them. `off`: none.",
    proxyTrust,
  ),
} as const
