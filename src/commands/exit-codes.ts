/** Exit codes of the process. */
export const exitCodes = {
  ok: 0,
  /** The command failed. */
  failed: 1,
  /** The command line is invalid. */
  usage: 2,
  /** Finished, but some input could not be read; stderr names it. */
  partly: 3,
  /** A setting is invalid (EX_CONFIG of sysexits). */
  settings: 78,
  interrupted: 130,
} as const
