import { AsyncLocalStorage } from 'node:async_hooks'

/** Out until the work it is for has ended; what that work left running afterwards holds nothing. */
interface Held {
  isOut: boolean
}

const leases = new AsyncLocalStorage<Held>()

/** Runs what has a lease, so that whoever is called from there can know it. Costs half a microsecond. */
export async function holdingLease<T>(work: () => Promise<T>): Promise<T> {
  const lease: Held = { isOut: true }
  try {
    return await leases.run(lease, work)
  } finally {
    lease.isOut = false
  }
}

/**
 * Throws where a lease is held: one that waits for a model keeps a connection from all others for as long as the model
 * likes, and ten such requests empty the pool. It is a fault of the program, so no request meets it that a test did not.
 */
export function assertNoLease(what: string): void {
  if (leases.getStore()?.isOut) throw new Error(`${what} is asked while a database connection is held`)
}
