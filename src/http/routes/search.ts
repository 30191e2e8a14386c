import type { FastifyInstance } from 'fastify'
import type { SearchResult } from '../../ask/retrieval/find-passages.ts'
import type { SearchPassages } from '../../ask/search.ts'
import { isAskError } from '../../errors.ts'
import { startAsk, serverTiming, withTimings, type AskContext, type RunSettings } from '../edge/ask-context.ts'
import { priorityOf } from '../edge/priority.ts'
import { SearchBody } from '../replies/schemas.ts'
import { searchedJson, searchedQuestion } from '../replies/wire.ts'
import type { RequestFacts } from '../../ask/terms.ts'

export interface SearchRouteOptions extends RunSettings {
  readonly search: SearchPassages
  readonly metrics: {
    searched(result: SearchResult, seconds: number, facts: RequestFacts): void
    failed(code: string, facts: RequestFacts): void
  }
}

/** POST /search: the passages /ask would answer from, for callers with their own generator. */
export function registerSearch(app: FastifyInstance, { search, metrics, ...settings }: SearchRouteOptions): void {
  app.post<{ Body: SearchBody }>(
    '/search',
    { schema: { body: SearchBody }, config: { needs: 'ask', logsItself: true } },
    async (request, reply) => {
      const question = searchedQuestion(request.body, request.apiKey)
      const context = startAsk(request, reply, settings, {
        priority: priorityOf(request.headers['x-priority'], request.apiKey),
      })
      const result = await context.trace.within(async () => {
        try {
          const found = await search(question, context.run)
          reportSearched(found, context, metrics)
          return found
        } catch (error) {
          const code = isAskError(error) ? error.code : 'internal'
          metrics.failed(code, context.facts())
          const note = context.failed(code)
          if (code === 'cancelled') context.log.info({ ...note, ms: Math.round(context.elapsedMs()) }, 'not answered')
          throw withTimings(error, context)
        }
      })
      const timings = context.timings()
      const { explanation } = context
      return reply
        .header('server-timing', serverTiming(timings))
        .send(searchedJson(result, { id: request.id, include: request.body.include ?? [], timings, explanation }))
    },
  )
}

function reportSearched(
  result: SearchResult,
  { log, trace, elapsedMs, stages, facts }: AskContext,
  metrics: SearchRouteOptions['metrics'],
): void {
  const { mode, isRelevant, degraded, usage, passages } = result
  const ms = elapsedMs()
  metrics.searched(result, ms / 1000, facts())
  log.info(
    { stages: stages(), mode, near: isRelevant, passages: passages.length, degraded, usage, ms: Math.round(ms) },
    'searched',
  )
  trace.note({ 'askwell.mode': mode, 'askwell.near': isRelevant, 'askwell.degraded': [...degraded] })
}
