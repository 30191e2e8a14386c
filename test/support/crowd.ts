import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Misbehaving clients on their own sockets. `idlers` and `tricklers` end with the signal. */

/** Sends questions and disconnects somewhere between the first byte and the last. */
export async function leavers(
  url: string,
  count: number,
  overMs: number,
  question: (count: number) => string,
): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, async (_, nth) => {
      await sleep((nth / count) * overMs)
      const socket = open(url)
      socket.write(head(url, JSON.stringify({ question: question(nth), stream: nth % 2 === 0 })))
      // 37 and 250 have no common factor, so every millisecond of a quarter of a second is covered.
      await sleep((nth * 37) % 250)
      socket.destroy()
    }),
  )
}

/** Connects and sends nothing. */
export async function idlers(url: string, count: number, signal: AbortSignal): Promise<void> {
  const sockets = Array.from({ length: count }, () => open(url))
  await ended(signal)
  for (const socket of sockets) socket.destroy()
}

/** Sends the request head immediately and then one byte of the body every 200 ms. */
export async function tricklers(url: string, count: number, signal: AbortSignal): Promise<void> {
  const body = JSON.stringify({ question: 'x'.repeat(2000) })
  const sockets = Array.from({ length: count }, () => open(url))
  for (const socket of sockets) socket.write(head(url, body).slice(0, -body.length))
  for (let at = 0; !signal.aborted; at++) {
    for (const socket of sockets) if (socket.writable) socket.write(body.charAt(at))
    await sleep(200)
  }
  for (const socket of sockets) socket.destroy()
}

function open(url: string): Socket {
  const { hostname, port } = new URL(url)
  // The service may close it first.
  return connect(Number(port), hostname)
    .on('error', () => undefined)
    .resume()
}

function head(url: string, body: string): string {
  return `POST /ask HTTP/1.1\r\nhost: ${new URL(url).host}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

function ended(signal: AbortSignal): Promise<unknown> {
  return new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
}
