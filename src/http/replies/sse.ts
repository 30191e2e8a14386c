import type { FastifyReply } from 'fastify'
import { Readable } from 'node:stream'
import type { AskEvent } from '../../ask/terms/answer.ts'
import type { CacheNote } from '../../ask/terms/caching.ts'
import type { RunResult } from '../asking.ts'
import { viewOf, withAge, type ShownRequest } from './json.ts'
import { askErrorOf, problemOf } from './problems.ts'
import { serverTiming } from './server-timing.ts'
import { answerJson, citationJson, passageJson, type AnswerView } from './wire.ts'

const sseHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  // no-transform: a proxy that compresses would hold the events back to the end of the stream.
  'cache-control': 'no-cache, no-transform',
  // Otherwise nginx delays the stream to fill its buffers.
  'x-accel-buffering': 'no',
} as const

const heartbeatMs = 15_000
const heartbeat = ': still here\n\n'

/** Awaits the first event before sending the header, so that a question that fails at once gets its own status. */
export async function sendStream(
  request: ShownRequest,
  reply: FastifyReply,
  { events, timings, explanation }: RunResult,
) {
  const view = () => viewOf(request, timings(), explanation)
  const first = await events.next()
  const cache: CacheNote = (!first.done && first.value.type === 'passages' && first.value.cache) || { status: 'miss' }
  return withAge(reply, cache)
    .headers(sseHeaders)
    .header('server-timing', serverTiming(timings(), `cache;desc=${cache.status}`))
    .send(sseStream(first, events, view))
}

/**
 * Sends the run as server-sent events: `passages`, `delta`…, `citations`, `done`. The status is already sent, so a
 * failure becomes an `error` event with the problem as its data, and the stream ends without `done`. Every 15 s a
 * comment keeps proxies from closing an idle connection. The generator is closed when the client disconnects.
 */
export function sseStream(
  first: IteratorResult<AskEvent>,
  rest: AsyncGenerator<AskEvent>,
  view: () => AnswerView,
): Readable {
  const stream = Readable.from(frames(first, rest, view), { objectMode: false, highWaterMark: 16_384 })
  // A stream destroyed before it was read never enters the generator, so the `finally` there does not run.
  return stream.once('close', () => void rest.return(undefined).catch(() => {}))
}

async function* frames(
  first: IteratorResult<AskEvent>,
  rest: AsyncGenerator<AskEvent>,
  view: () => AnswerView,
): AsyncGenerator<string> {
  try {
    let next: Promise<IteratorResult<AskEvent>> = Promise.resolve(first)
    for (;;) {
      const result = await withHeartbeat(next)
      if (result === heartbeat) yield heartbeat
      else if (result.done) return
      else {
        yield frame(result.value, view)
        next = rest.next()
      }
    }
  } catch (error) {
    yield `event: error\ndata: ${JSON.stringify(problemOf(askErrorOf(error), view().id))}\n\n`
  } finally {
    void rest.return(undefined).catch(() => {})
  }
}

async function withHeartbeat<T>(next: Promise<T>): Promise<T | typeof heartbeat> {
  let timer: NodeJS.Timeout | undefined
  const beat = new Promise<typeof heartbeat>(resolve => {
    timer = setTimeout(resolve, heartbeatMs, heartbeat)
  })
  try {
    return await Promise.race([next, beat])
  } finally {
    clearTimeout(timer)
  }
}

function frame(event: AskEvent, view: () => AnswerView): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(payload(event, view))}\n\n`
}

function payload(event: AskEvent, view: () => AnswerView): unknown {
  switch (event.type) {
    case 'passages':
      return { passages: event.passages.map(passageJson) }
    case 'delta':
      return { text: event.text }
    case 'citations':
      return { citations: event.citations.map(citationJson) }
    case 'done':
      return answerJson(event.answer, view())
  }
}
