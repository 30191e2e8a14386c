import type { FastifyRequest } from 'fastify'

/**
 * While a large upload is worked at, nothing is sent on its connection, for longer than the time after which Node cuts
 * off who is silent. That time is for clients that do not read their reply, and begins when there is one.
 */
export async function withoutSocketTimeout<T>({ raw: { socket } }: FastifyRequest, work: () => Promise<T>): Promise<T> {
  const silentMs = socket.timeout
  if (silentMs === undefined) return await work()
  socket.setTimeout(0)
  try {
    return await work()
  } finally {
    socket.setTimeout(silentMs)
  }
}
