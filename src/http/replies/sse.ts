import { Readable } from 'node:stream'
import type { AskEvent } from '../../ask/terms.ts'
import { askErrorOf, problemOf } from './problems.ts'
import { answerJson, citationJson, passageJson, type AnswerView } from './wire.ts'

export const sseHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  // nginx would hold the stream back to fill its buffers.
  'x-accel-buffering': 'no',
} as const

const heartbeatMs = 15_000
const heartbeat = ': still here\n\n'

/**
 * The run as server-sent events: `passages`, `delta`…, `citations`, `done`. The status is already sent, so a
 * failure is an `error` event with the problem as its data, and the stream ends without `done`. A comment every
 * 15 s keeps proxies from closing a quiet connection. The generator is returned when the client goes.
 */
export function sseStream(
  first: IteratorResult<AskEvent>,
  rest: AsyncGenerator<AskEvent>,
  view: () => AnswerView,
): Readable {
  const stream = Readable.from(frames(first, rest, view), { objectMode: false, highWaterMark: 16_384 })
  // One that is destroyed before it was read never enters the generator, whose `finally` would do this.
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
      const result = await orHeartbeat(next)
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

async function orHeartbeat<T>(next: Promise<T>): Promise<T | typeof heartbeat> {
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
