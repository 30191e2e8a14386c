import { request, type IncomingMessage } from 'node:http'
import { sseEvents, type SseEvent } from './sse.ts'

/** A question whose answer is streamed to a client that can disconnect at any moment. */
export interface LiveStream {
  /** Events received so far. */
  readonly events: readonly SseEvent[]
  /** Text of the deltas received so far. */
  readonly said: string
  /** Resolves as soon as `isEnough` returns true; rejects if the stream ends first. */
  seen(isEnough: (stream: LiveStream) => boolean): Promise<void>
  /** Resolves with all events when the stream has ended. */
  whole(): Promise<readonly SseEvent[]>
  /** Closes the connection, as closing a browser tab does. */
  leave(): void
}

/** Sends POST /ask with `stream: true` and resolves with the response head. */
export async function openStream(url: string, body: object, headers: Record<string, string> = {}): Promise<LiveStream> {
  const outgoing = request(`${url}/ask`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
  })
  outgoing.end(JSON.stringify({ ...body, stream: true }))
  const reply = await new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve).once('error', reject)
  })
  return follow(reply, () => outgoing.destroy())
}

function follow(reply: IncomingMessage, leave: () => void): LiveStream {
  let text = ''
  let hasEnded = false
  const watchers = new Set<() => void>()
  const tell = () => {
    for (const watcher of watchers) watcher()
  }
  const ended = () => {
    hasEnded = true
    tell()
  }
  reply.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
    tell()
  })
  reply.once('end', ended).once('error', ended).once('close', ended)

  const stream: LiveStream = {
    get events() {
      // The text after the last blank line is an incomplete event.
      return sseEvents(text.slice(0, text.lastIndexOf('\n\n') + 2))
    },
    get said() {
      return stream.events
        .filter(({ event }) => event === 'delta')
        .map(({ data }) => String(data.text))
        .join('')
    },
    seen: isEnough =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!isEnough(stream) && !hasEnded) return
          watchers.delete(look)
          if (isEnough(stream)) resolve()
          else reject(new Error(`the stream ended with: ${text}`))
        }
        watchers.add(look)
        look()
      }),
    async whole() {
      await stream.seen(() => hasEnded)
      return stream.events
    },
    leave,
  }
  return stream
}
