import type { FastifyBaseLogger } from 'fastify'
import { readFileSync } from 'node:fs'
import type { Config } from '../../config/terms.ts'

/** Descriptors for files, models, Redis, monitoring, and connections that are being handed over. */
const otherDescriptors = 200
/** Descriptors per worker process: its pipes, and the files read to monitor it. */
const descriptorsOfWorker = 8

/** MAX_CONNECTIONS, or fewer if the limit of open files does not allow that many. */
export function connectionsFor({ receiving, database, prepare }: Config, log: FastifyBaseLogger): number {
  const reserved =
    otherDescriptors + database.poolSize + database.poolMaxOverflow + descriptorsOfWorker * prepare.workers
  const [limit, wanted] = [descriptorLimit(), receiving.maxConnections]
  const most = connectionsWithin(limit, wanted, reserved)
  if (most < wanted)
    log.info(
      { maxConnections: most, descriptors: limit },
      `MAX_CONNECTIONS is ${wanted}, but this process may open only ${limit} files: accepting ${most} connections at once; raise ulimit -n`,
    )
  return most
}

/**
 * Returns how many connections may be open at once: `wanted`, or as many as the file descriptors allow when `reserved`
 * of them are set aside for everything else, but at least half of them. Without the reserve, clients could use up the
 * descriptors, and then the process could not read a file, query the database or start a process. `descriptors` is null
 * when unknown.
 */
export function connectionsWithin(descriptors: number | null, wanted: number, reserved: number): number {
  if (descriptors === null) return wanted
  return Math.max(1, Math.min(wanted, Math.max(descriptors - reserved, Math.floor(descriptors / 2))))
}

/**
 * Files and connections this process may have open; null when unknown. (Node raises the soft limit to the hard one at
 * startup.)
 */
export function descriptorLimit(): number | null {
  try {
    return descriptorsIn(readFileSync('/proc/self/limits', 'utf8'))
  } catch {
    return null
  }
}

/**
 * `Max open files            1024                 4096                 files`: the current limit, then the highest it
 * can be raised to.
 */
export function descriptorsIn(limits: string): number | null {
  const found = /^Max open files +(\d+)/m.exec(limits)?.[1]
  return found === undefined ? null : Number(found)
}
