/** The reply did not arrive in time: the server may be slow, unresponsive or unreachable. */
export class LateReply extends Error {
  constructor(ms: number) {
    super(`no reply within ${ms} ms`)
    this.name = 'LateReply'
  }
}

/**
 * Resolves with the reply, or rejects with a {@link LateReply} after `ms`. A reply that arrived while this process was
 * busy still counts: the event loop runs timers before it reads sockets, so the rejection waits for one more poll of
 * the sockets. (`commandTimeout` of ioredis does not, so it blames the server when this process was busy, and it would
 * also end handshakes.)
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
