import type { FastifyInstance } from 'fastify'
import type { SearchResult } from '../../ask/retrieval/find-passages.ts'
import type { SearchPassages } from '../../ask/search.ts'
import { isAskError } from '../../errors.ts'
import { startAsk, serverTiming, withReached, type AskContext, type RunSettings } from '../edge/ask-context.ts'
import { priorityOf } from '../edge/priority.ts'
import { SearchBody } from '../replies/schemas.ts'
import { searchedJson, searchedQuestion } from '../replies/wire.ts'
import type { RequestFacts } from '../../ask/terms.ts'

export interface SearchRouteOptions extends RunSettings {
  readonly search: SearchPassages
  readonly metrics: {
    searched(found: SearchResult, seconds: number, of: RequestFacts): void
    failed(code: string, of: RequestFacts): void
  }
}

/** POST /search: what /ask would answer from, for those who bring their own generator. */
export function registerSearch(app: FastifyInstance, { search, metrics, ...settings }: SearchRouteOptions): void {
  app.post<{ Body: SearchBody }>(
    '/search',
    { schema: { body: SearchBody }, config: { needs: 'ask', tellsItself: true } },
    async (request, reply) => {
      const question = searchedQuestion(request.body, request.apiKey)
      const begun = startAsk(request, reply, settings, {
        priority: priorityOf(request.headers['x-priority'], request.apiKey),
      })
      const found = await begun.trace.within(async () => {
        try {
          const looked = await search(question, begun.run)
          tell(looked, begun, metrics)
          return looked
        } catch (error) {
          const code = isAskError(error) ? error.code : 'internal'
          metrics.failed(code, begun.facts())
          const note = begun.failed(code)
          if (code === 'cancelled') begun.log.info({ ...note, ms: Math.round(begun.elapsedMs()) }, 'not answered')
          throw withReached(error, begun)
        }
      })
      const timings = begun.timings()
      return reply
        .header('server-timing', serverTiming(timings))
        .send(searchedJson(found, { id: request.id, include: request.body.include ?? [], timings }))
    },
  )
}

function tell(
  found: SearchResult,
  { log, trace, elapsedMs, stages, facts }: AskContext,
  metrics: SearchRouteOptions['metrics'],
): void {
  const { mode, isRelevant, degraded, usage, passages } = found
  const ms = elapsedMs()
  metrics.searched(found, ms / 1000, facts())
  log.info(
    { stages: stages(), mode, near: isRelevant, passages: passages.length, degraded, usage, ms: Math.round(ms) },
    'searched',
  )
  trace.note({ 'askwell.mode': mode, 'askwell.near': isRelevant, 'askwell.degraded': [...degraded] })
}
