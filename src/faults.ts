/** How a dependency fails, in the terms an operator would look for. All values are metric labels. */

/** External services that Askwell depends on, Redis aside. */
export type Dependency = 'database' | 'chat' | 'embeddings' | 'rerank'

/**
 * - `busy`: 429.
 * - `rejected`: it does not accept what is sent, including the key.
 * - `silent`: no reply before the timeout.
 * - `stalled`, `broken_off`: nothing followed the first words.
 * - `paused`: not called because of earlier failures.
 */
export const modelFaults = [
  'unreachable',
  'hung_up',
  'failed',
  'busy',
  'rejected',
  'silent',
  'slow',
  'stalled',
  'broken_off',
  'garbage',
  'wrong_dimensions',
  'paused',
] as const
export type ModelFault = (typeof modelFaults)[number]

/**
 * `silent`: no reply, whether connected or not. `lost`: connections were closed by the other side. `login`: a wrong
 * password, name or database. `forbidden`: the role lacks a right to a table.
 */
export const databaseFaults = [
  'unreachable',
  'silent',
  'starting',
  'lost',
  'login',
  'forbidden',
  'too_many_connections',
  'read_only',
  'disk_full',
  'out_of_resources',
  'broken',
  'statement_timeout',
  'deadlock',
] as const
export type DatabaseFault = (typeof databaseFaults)[number]

/**
 * Why a command failed. `down` includes commands that were not sent because Redis was not usable. `corrupt`: a value
 * was read that cannot be decoded.
 */
export const redisFaults = ['timeout', 'down', 'full', 'wrong_type', 'corrupt', 'other'] as const
export type RedisFault = (typeof redisFaults)[number]
