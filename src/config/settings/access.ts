import { hidden, hostList, onOff, originList, secret, setting, words } from '../kinds.ts'

export const accessSettings = {
  adminApiKey: hidden(
    setting(
      'ADMIN_API_KEY',
      undefined,
      'Key for the document and cache API. Unset, and without an `admin` key in `API_KEYS`: the API is disabled.',
      secret,
    ),
  ),
  monitoringApiKey: hidden(
    setting(
      'MONITORING_API_KEY',
      undefined,
      'Key for `/metrics` and the figures of `/monitoring`. Unset, and without a `monitoring` key in `API_KEYS`: open to this machine only, or to everyone with `ALLOW_ANONYMOUS=on`.',
      secret,
    ),
  ),
  apiKeys: hidden(
    setting(
      'API_KEYS',
      undefined,
      "Callers' keys, as a JSON list; `askwell key new` creates them. Unset: everyone may ask.",
      words,
    ),
  ),
  apiKeysFile: setting(
    'API_KEYS_FILE',
    undefined,
    'File with a JSON list of keys, reloaded when it changes; valid in addition to `API_KEYS`.',
    words,
  ),
  allowAnonymous: setting(
    'ALLOW_ANONYMOUS',
    'off',
    'Start without `ask` keys even if other machines can reach `HOST`.',
    onOff,
  ),
  allowedHosts: setting(
    'ALLOWED_HOSTS',
    undefined,
    'Names in the `Host` header, besides loopback names, that are accepted where no key is needed; comma-separated, or `*` for all.',
    hostList,
  ),
  corsOrigins: setting(
    'CORS_ORIGINS',
    undefined,
    'Origins whose pages may call the API from a browser; comma-separated, or `*` for all. Unset: none.',
    originList,
  ),
} as const
