import type { FastifyReply, FastifyRequest } from 'fastify'
import type { OutgoingHttpHeaders } from 'node:http'
import type { Answer, AskEvent } from '../../ask/terms/answer.ts'
import type { CacheNote } from '../../ask/terms/caching.ts'
import type { AskResult, CachedResult, FoundPassages, RunResult } from '../asking.ts'
import { AskError } from '../../errors.ts'
import { serverTiming } from './server-timing.ts'
import { answerJson, answerText, searchedJson, type AnswerText, type AnswerView } from './wire.ts'

export type ShownRequest = FastifyRequest<{ Body: { readonly include?: readonly string[] } }>

/** Replies with one JSON object. */
export function sendJson(request: ShownRequest, reply: FastifyReply, asked: AskResult): void | Promise<FastifyReply> {
  return asked.kind === 'run' ? sendRun(request, reply, asked) : sendCached(request, reply, asked)
}

export function sendPassages(
  request: ShownRequest,
  reply: FastifyReply,
  { result, timings, explanation }: FoundPassages,
) {
  return reply
    .header('server-timing', serverTiming(timings))
    .send(searchedJson(result, viewOf(request, timings, explanation)))
}

export function viewOf(
  { id, body }: ShownRequest,
  timings: AnswerView['timings'],
  explanation?: AnswerView['explanation'],
): AnswerView {
  return { id, include: body.include ?? [], timings, explanation }
}

/** Sets `Age` on a cached answer: seconds since it was generated (RFC 9111). */
export function withAge(reply: FastifyReply, { age }: CacheNote): FastifyReply {
  return age === undefined ? reply : reply.header('age', age)
}

async function sendRun(request: ShownRequest, reply: FastifyReply, { events, timings, explanation }: RunResult) {
  const answer = await lastAnswer(events)
  const view = viewOf(request, timings(), explanation)
  return withAge(reply, answer.cache)
    .header('server-timing', serverTiming(view.timings, `cache;desc=${answer.cache.status}`))
    .send(answerJson(answer, view))
}

/** Reads the events of a run to their end. */
export async function lastAnswer(events: AsyncIterable<AskEvent>): Promise<Answer> {
  for await (const event of events) if (event.type === 'done') return event.answer
  throw new AskError('internal', { detail: 'The pipeline ended without an answer.' })
}

function sendCached(request: ShownRequest, reply: FastifyReply, { kind, answer, timings }: CachedResult): void {
  const { status, age } = answer.cache
  const timing = `cache;desc=${status}, ${kind === 'shared' ? serverTiming(timings) : `total;dur=${timings['total']}`}`
  sendText(reply, age, timing, answerText(answer, viewOf(request, timings)))
}

/**
 * Bypasses Fastify's `send`, which leaves the UTF-8 encoding to Node: for plain ASCII that costs as much as the rest of
 * sending. Also bypasses `header`, because four calls of it took 0.5 µs.
 */
function sendText(reply: FastifyReply, age: number | undefined, timing: string, { text, isAscii }: AnswerText): void {
  const headers = reply.getHeaders() as OutgoingHttpHeaders
  if (age !== undefined) headers['age'] = String(age)
  headers['server-timing'] = timing
  headers['content-type'] = 'application/json; charset=utf-8'
  headers['content-length'] = isAscii ? text.length : Buffer.byteLength(text)
  reply
    .hijack()
    .raw.writeHead(200, headers)
    .end(text, isAscii ? 'latin1' : 'utf8')
}
