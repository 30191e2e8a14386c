import { LRUCache } from 'lru-cache'

export interface WindowCount {
  readonly current: number
  /** Milliseconds until the window ends. */
  readonly ttl: number
}

export interface WindowCounterOptions {
  /** Clients counted at once. Beyond this, the least recently seen one is evicted and starts a new window. */
  readonly maxClients: number
  /** Milliseconds. */
  readonly now?: () => number
}

/** Counts per client, in windows that start with the client's first count. */
export function createWindowCounter({ maxClients, now = () => performance.now() }: WindowCounterOptions) {
  const windows = new LRUCache<string, { current: number; readonly end: number }>({ max: maxClients })
  return (client: string, windowMs: number, amount = 1): WindowCount => {
    const at = now()
    const known = windows.get(client)
    if (known === undefined || known.end <= at) {
      windows.set(client, { current: amount, end: at + windowMs })
      return { current: amount, ttl: windowMs }
    }
    known.current += amount
    return { current: known.current, ttl: known.end - at }
  }
}
