import { openClient } from './client.ts'
import { readServerState, type Servers } from './servers.ts'

export interface Writes {
  readonly isReadOnly: () => boolean
  /** If the database was read-only, asks it again now. */
  mayWrite(): Promise<boolean>
  /** A connection learned its server's state, or a write was rejected. A change is verified before it is believed. */
  observe(isReadOnly: boolean): void
  close(): Promise<void>
}

export interface WritesOptions {
  /** Interval of the checks while the database is read-only. */
  readonly pollMs?: number
  /**
   * Called with false when the database starts to reject writes, and with true when it accepts them again. Existing
   * sessions keep their read-only state and must then be replaced.
   */
  readonly onChange: (isWritable: boolean) => void
}

/**
 * Tracks whether the database accepts writes: a standby does not, nor does one with `default_transaction_read_only`.
 * While it does not, a new connection checks every 2 s whether it has become writable, for example after a promotion.
 */
export function watchWrites(servers: Servers, { pollMs = 2000, onChange }: WritesOptions): Writes {
  let isReadOnly = false
  let isClosed = false
  let timer: NodeJS.Timeout | undefined
  let checking: Promise<void> | undefined

  function observe(readOnly: boolean): void {
    if (readOnly === isReadOnly || isClosed) return
    if (readOnly) setReadOnly(true)
    checkIn(0)
  }

  function checkIn(ms: number): void {
    clearTimeout(timer)
    timer = setTimeout(() => void checkOnce(), ms).unref()
  }

  function checkOnce(): Promise<void> {
    return (checking ??= check().finally(() => (checking = undefined)))
  }

  async function mayWrite(): Promise<boolean> {
    if (isReadOnly && !isClosed) await checkOnce()
    return !isReadOnly
  }

  async function check(): Promise<void> {
    servers.doubt()
    const client = openClient(servers, { name: 'askwell', statementTimeoutMs: pollMs })
    try {
      const state = await readServerState(client.sql)
      if (isClosed || !isReadOnly) return
      if (!state.isReadOnly) return setReadOnly(false)
    } catch {
      // The server is down, which is reported elsewhere.
    } finally {
      await client.end(1000)
    }
    if (!isClosed && isReadOnly) checkIn(pollMs)
  }

  function setReadOnly(readOnly: boolean): void {
    isReadOnly = readOnly
    onChange(!readOnly)
  }

  async function close(): Promise<void> {
    isClosed = true
    clearTimeout(timer)
    await checking
  }

  return { isReadOnly: () => isReadOnly, mayWrite, observe, close }
}
