import type { FastifyInstance } from 'fastify'
import type { Asking } from '../asking.ts'
import { askForm } from '../edge/ask-form.ts'
import { sendPassages } from '../replies/json.ts'
import { SearchBody } from '../replies/schemas.ts'
import { searchedQuestion } from '../replies/wire.ts'

/** POST /search: the passages /ask would answer from, for callers with their own generator. */
export function registerSearch(app: FastifyInstance, { search }: Asking): void {
  app.post<{ Body: SearchBody }>(
    '/search',
    { schema: { body: SearchBody }, config: { needs: 'ask', logsItself: true, waitsForLimit: true } },
    async (request, reply) => {
      const question = searchedQuestion(request.body, request.apiKey)
      return sendPassages(request, reply, await search(question, askForm(request, reply)))
    },
  )
}
