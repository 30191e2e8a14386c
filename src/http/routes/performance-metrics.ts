import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Verdict } from '../../monitoring/findings/findings.ts'
import type { PerformanceReport } from '../../monitoring/figures/report.ts'
import { isFromHere } from '../edge/client-address.ts'
import { isKnownName } from '../edge/allowed-hosts.ts'
import type { SlowQuestion } from '../../monitoring/figures/slow-questions.ts'
import { underAnyPressure } from '../edge/load-shedding.ts'

export interface PerformanceRouteOptions {
  readonly report: () => Verdict & PerformanceReport
}

type Report = Verdict & PerformanceReport

/**
 * GET /monitoring/performance-metrics: the last 1, 5 and 15 minutes, and what to do about them. Waits for nothing: no
 * connection, no database, no Redis, no model. Texts of questions, where they are kept at all, are for whoever has a key for
 * monitoring, and for this machine, asked under a name of its own or one of `names`.
 */
export function registerPerformanceMetrics(
  app: FastifyInstance,
  { report }: PerformanceRouteOptions,
  names: readonly string[] = [],
): void {
  const known = new Set(names)
  const mayRead = (request: FastifyRequest) =>
    request.apiKey?.scopes.includes('monitoring') === true || (isFromHere(request) && isKnownName(request, known))
  const config = { needs: 'monitoring', rateLimit: false, ...underAnyPressure } as const
  app.get('/monitoring/performance-metrics', { logLevel: 'warn', config }, async (request, reply) => {
    const whole = report()
    return await reply.header('cache-control', 'no-store').send(snake(mayRead(request) ? whole : withoutTexts(whole)))
  })
}

function withoutTexts(report: Report): Report {
  return { ...report, slowQuestions: report.slowQuestions.map(withoutText) }
}

function withoutText(slow: SlowQuestion): SlowQuestion {
  const { question: _text, ...rest } = slow
  return rest
}

/** Every name as the wire has it; of maps by code, stage or reason the keys are words already. */
function snake(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snake)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name.replaceAll(/[A-Z]/g, letter => `_${letter.toLowerCase()}`),
      snake(each),
    ]),
  )
}
