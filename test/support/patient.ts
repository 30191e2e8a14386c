/**
 * Base settings of every service in tests, which a test can override. The product's defaults correctly reject requests
 * while the machine is slow for a moment; tests of other behavior must not run into that.
 */
export const patient: Readonly<Record<string, string>> = {
  HEADERS_TIMEOUT_MS: '300000',
  RECEIVE_TIMEOUT_MS: '3600000',
  REQUEST_TIMEOUT_MS: '120000',
  MAX_EVENT_LOOP_DELAY_MS: '0',
  ADMISSION_MAX_WAIT_MS: '60000',
  // Each of these processes takes half a second of CPU time to start; tests that need several set the number.
  PREPARE_WORKERS: '1',
  // It asks the model and the database in the background, which other tests count.
  CALIBRATION: 'off',
  EMBEDDING_CHECK_MINUTES: '0',
}
