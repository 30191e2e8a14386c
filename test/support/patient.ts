/**
 * Settings of every service that tests start, below the tests' own. The product's defaults refuse what comes while the
 * machine is slow for a moment, and rightly; a test that is not about that must not meet it.
 */
export const patient: Readonly<Record<string, string>> = {
  HEADERS_TIMEOUT_MS: '300000',
  RECEIVE_TIMEOUT_MS: '3600000',
  REQUEST_TIMEOUT_MS: '120000',
  MAX_EVENT_LOOP_DELAY_MS: '0',
  ADMISSION_MAX_WAIT_MS: '60000',
  // Each of these processes takes half a second of processor time to start; what needs several says so.
  PREPARE_WORKERS: '1',
}
