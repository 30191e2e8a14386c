import type { FastifyRequest } from 'fastify'

/**
 * Suspends the socket timeout while a large upload is processed: nothing is sent then, for longer than the timeout. The
 * timeout is meant for clients that do not read their reply, so it starts only once there is one.
 */
export async function withoutSocketTimeout<T>({ raw: { socket } }: FastifyRequest, work: () => Promise<T>): Promise<T> {
  const timeoutMs = socket.timeout
  if (timeoutMs === undefined) return await work()
  socket.setTimeout(0)
  try {
    return await work()
  } finally {
    socket.setTimeout(timeoutMs)
  }
}
