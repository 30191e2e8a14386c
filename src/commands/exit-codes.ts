/** What the shell gets. */
export const exitCodes = {
  ok: 0,
  /** It could not be done. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** Done, but some input could not be read; stderr names it. */
  partly: 3,
  /** A setting is wrong (sysexits' EX_CONFIG). */
  settings: 78,
  interrupted: 130,
} as const
