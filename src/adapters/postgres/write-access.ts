import { openClient } from './client.ts'
import { readServerState, type Servers } from './servers.ts'

/** Told when the database begins to refuse writes (false), and when it takes them again (true). */
export type TellWrites = (isWriter: boolean) => void

export interface Writes {
  readonly isReadOnly: () => boolean
  /** Of a database that took none a moment ago: asked now. */
  mayWrite(): Promise<boolean>
  /** A connection found what its server is, or a write was refused. What is news is asked again before it is believed. */
  heard(isReadOnly: boolean): void
  watch(tell: TellWrites): void
  close(): Promise<void>
}

export interface WritesOptions {
  /** From one look to the next while nothing is written. */
  readonly pollMs?: number
  /** Sessions of before keep what they began with: others must take their place. */
  readonly onWriter: () => void
}

/**
 * Knows whether the database takes writes: a standby does not, nor one with `default_transaction_read_only`. While it does
 * not, a new connection asks every other second whether it has become a writer, as one does that is promoted.
 */
export function watchWrites(servers: Servers, { pollMs = 2000, onWriter }: WritesOptions): Writes {
  const tells: TellWrites[] = []
  let isReadOnly = false
  let isClosed = false
  let next: NodeJS.Timeout | undefined
  let looking: Promise<void> | undefined

  function heard(readOnly: boolean): void {
    if (readOnly === isReadOnly || isClosed) return
    if (readOnly) turn(true)
    soon(0)
  }

  function soon(ms: number): void {
    clearTimeout(next)
    next = setTimeout(() => void lookOnce(), ms).unref()
  }

  function lookOnce(): Promise<void> {
    return (looking ??= look().finally(() => (looking = undefined)))
  }

  async function mayWrite(): Promise<boolean> {
    if (isReadOnly && !isClosed) await lookOnce()
    return !isReadOnly
  }

  async function look(): Promise<void> {
    servers.doubt()
    const client = openClient(servers, { name: 'askwell', statementTimeoutMs: pollMs })
    try {
      const state = await readServerState(client.sql)
      if (isClosed || !isReadOnly) return
      if (!state.isReadOnly) return turn(false)
    } catch {
      // Not there at all, which others tell.
    } finally {
      await client.end(1000)
    }
    if (!isClosed && isReadOnly) soon(pollMs)
  }

  function turn(readOnly: boolean): void {
    isReadOnly = readOnly
    if (!readOnly) onWriter()
    for (const tell of tells) tell(!readOnly)
  }

  async function close(): Promise<void> {
    isClosed = true
    clearTimeout(next)
    await looking
  }

  return { isReadOnly: () => isReadOnly, mayWrite, heard, watch: tell => void tells.push(tell), close }
}
