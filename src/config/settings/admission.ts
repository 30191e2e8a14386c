import { fraction, integer, setting } from '../kinds.ts'

export const admissionSettings = {
  admissionFloor: setting(
    'ADMISSION_FLOOR',
    '10',
    'Lowest limit on questions that are searched at the same time, however slow that gets; kept below `POOL_SIZE`.',
    integer(1, 10_000),
  ),
  admissionCeiling: setting(
    'ADMISSION_CEILING',
    '500',
    'Highest limit on questions that are searched at the same time. The limit adapts to how long searches take; other questions wait. Waiting for a model does not count.',
    integer(1, 10_000),
  ),
  admissionMaxWaiting: setting(
    'ADMISSION_MAX_WAITING',
    '1000',
    'Questions that may wait for admission.',
    integer(0, 10_000),
  ),
  admissionMaxWaitMs: setting(
    'ADMISSION_MAX_WAIT_MS',
    '5000',
    'Longest wait for admission. A question that would wait longer, or past its own timeout, is rejected at once with 503 `overloaded`.',
    integer(0, 60_000),
  ),
  admissionBatchShare: setting(
    'ADMISSION_BATCH_SHARE',
    '0.5',
    'Share of the admission limit, and of the calls to the language model, that requests with `X-Priority: batch` may use.',
    fraction(),
  ),
  maxEventLoopDelayMs: setting(
    'MAX_EVENT_LOOP_DELAY_MS',
    '1000',
    'Event loop delay above which all requests except probes, `/metrics` and `/monitoring` get 503; `0`: no check.',
    integer(0, 60_000),
  ),
  maxHeapShare: setting(
    'MAX_HEAP_SHARE',
    '0.9',
    "Share of Node's heap limit above which all requests except probes, `/metrics` and `/monitoring` get 503; `0`: no check.",
    fraction(),
  ),
} as const
