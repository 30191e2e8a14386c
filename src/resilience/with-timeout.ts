/** No reply came in time. The server may be slow, deaf, or cut off from us. */
export class LateReply extends Error {
  constructor(ms: number) {
    super(`no reply within ${ms} ms`)
    this.name = 'LateReply'
  }
}

/**
 * The reply, or a {@link LateReply} after `ms` milliseconds. A reply that came while this process was busy is still
 * taken: the loop runs timers before it reads sockets, so the end comes only after one more look at those. (ioredis'
 * `commandTimeout` does not look, and takes our own busy moment for the server's; it would also end handshakes.)
 */
export function withTimeout<T>(ms: number, reply: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => void setImmediate(() => reject(new LateReply(ms))), ms)
    const settle =
      <Value>(take: (value: Value) => void) =>
      (value: Value) => {
        clearTimeout(timer)
        take(value)
      }
    reply.then(settle(resolve), settle(reject))
  })
}
