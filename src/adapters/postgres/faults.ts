/**
 * How the database failed, in the terms an operator would look for. Values are metric labels. `silent`: no reply,
 * whether connected or not. `lost`: connections were closed by the other side. `login`: a wrong password, name or
 * database.
 */
export const databaseFaults = [
  'unreachable',
  'silent',
  'starting',
  'lost',
  'login',
  'too_many_connections',
  'read_only',
  'disk_full',
  'out_of_resources',
  'broken',
  'statement_timeout',
  'deadlock',
] as const
export type DatabaseFault = (typeof databaseFaults)[number]
