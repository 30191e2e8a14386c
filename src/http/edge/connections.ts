import { readFileSync } from 'node:fs'

/**
 * How many connections may be open at once: so many as are wanted, or what the process's file descriptors leave when
 * `reserved` of them are kept for everything else, though at least half of them. Who has the last one stops more than
 * connections: no file can be read then, no database asked and no process started. `descriptors`: null where it is not known.
 */
export function connectionsWithin(descriptors: number | null, wanted: number, reserved: number): number {
  if (descriptors === null) return wanted
  return Math.max(1, Math.min(wanted, Math.max(descriptors - reserved, Math.floor(descriptors / 2))))
}

/** Files and connections that this process may have open (Node takes as many as it may get at its start). Null: not known. */
export function descriptorLimit(): number | null {
  try {
    return descriptorsIn(readFileSync('/proc/self/limits', 'utf8'))
  } catch {
    return null
  }
}

/** `Max open files            1024                 4096                 files`: what holds, and what it may be raised to. */
export function descriptorsIn(limits: string): number | null {
  const found = /^Max open files +(\d+)/m.exec(limits)?.[1]
  return found === undefined ? null : Number(found)
}
