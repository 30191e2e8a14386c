import { integer, setting } from '../kinds.ts'

export const connectionSettings = {
  headersTimeoutMs: setting(
    'HEADERS_TIMEOUT_MS',
    '10000',
    'Time limit for receiving the header of a request.',
    integer(100, 600_000),
  ),
  receiveTimeoutMs: setting(
    'RECEIVE_TIMEOUT_MS',
    '120000',
    'Time limit for receiving a whole request, including the largest upload.',
    integer(100, 3_600_000),
  ),
  keepAliveMs: setting(
    'KEEP_ALIVE_MS',
    '72000',
    "How long an idle connection stays open; set it longer than the load balancer's idle timeout.",
    integer(1000, 3_600_000),
  ),
  maxConnections: setting(
    'MAX_CONNECTIONS',
    '10000',
    'Connections that may be open at once; further ones are closed on arrival.',
    integer(1, 1_000_000),
  ),
} as const
