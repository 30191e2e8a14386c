import type { ChildProcess } from 'node:child_process'

/** The parts of node:cluster's own messages that tell of a connection. */
interface ClusterMessage {
  readonly act?: unknown
  readonly seq?: number
  /** The `seq` of the message that it answers. */
  readonly ack?: number
}

interface Handle {
  close(): void
}

/**
 * Closes the connections that were given to a worker which ended before it took them. Node forgets them, so that their
 * clients would wait for ever: it sends each as `newconn` and does not close its own copy before the worker's `ack`
 * (`handoff` in Node's lib/internal/cluster/round_robin_handle.js, 24.21).
 */
export function closeUntaken(child: ChildProcess): void {
  const given = new Map<number, Handle>()
  const send = child.send.bind(child) as (message: unknown, handle?: unknown, ...rest: unknown[]) => boolean
  child.send = ((message: ClusterMessage, handle?: Handle | null, ...rest: unknown[]) => {
    if (message?.act === 'newconn' && handle && message.seq !== undefined) given.set(message.seq, handle)
    return send(message, handle, ...rest)
  }) as ChildProcess['send']
  child.on('internalMessage' as 'message', ({ ack }: ClusterMessage) => {
    if (ack !== undefined) given.delete(ack)
  })
  child.once('exit', () => given.forEach(handle => handle.close()))
}
