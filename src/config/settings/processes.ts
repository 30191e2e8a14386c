import { autoOr, integer, setting } from '../kinds.ts'

export const processSettings = {
  workers: setting(
    'WORKERS',
    '1',
    'Processes that answer requests on the same port; `auto`: one per core, fewer where memory is short. Connections, caches and limits are divided among them. The embedded database allows 1.',
    autoOr(1, 256),
  ),
  startTimeoutSeconds: setting(
    'START_TIMEOUT_SECONDS',
    '60',
    'How long startup waits for an unreachable database, for another process that migrates it, and for tables that a migration needs; `0`: one attempt to connect, 10 s for migrations.',
    integer(0, 3600),
  ),
  drainSeconds: setting(
    'DRAIN_SECONDS',
    '30',
    'Time that running requests have to finish after SIGTERM.',
    integer(0, 3600),
  ),
  drainDelayMs: setting(
    'DRAIN_DELAY_MS',
    '0',
    'How long to keep accepting requests after SIGTERM, so that load balancers see `/readyz` fail first.',
    integer(0, 120_000),
  ),
} as const
