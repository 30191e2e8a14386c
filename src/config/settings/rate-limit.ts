import { integer, setting } from '../kinds.ts'

export const rateLimitSettings = {
  rateLimit: setting(
    'RATE_LIMIT',
    '100',
    'Requests per `RATE_LIMIT_SECONDS` from an address without an `ask` key; `0`: no limit.',
    integer(0, 1_000_000),
  ),
  keyRateLimit: setting(
    'KEY_RATE_LIMIT',
    undefined,
    'Requests per `RATE_LIMIT_SECONDS` with an `ask` key that has no `rate_limit` of its own, from all addresses together; `0`: no limit. Questions over it wait for the next window if that begins within `ADMISSION_MAX_WAIT_MS` and their timeout. Unset: 1000, or `RATE_LIMIT` if that is more or `0`.',
    integer(0, 1_000_000),
  ),
  rateLimitSeconds: setting('RATE_LIMIT_SECONDS', '10', 'Length of the rate limit windows.', integer(1, 86_400)),
} as const
