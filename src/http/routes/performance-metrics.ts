import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Verdict } from '../../monitoring/findings/findings.ts'
import type { PerformanceReport } from '../../monitoring/figures/report.ts'
import { isFromHere } from '../edge/client-address.ts'
import { isKnownName } from '../edge/allowed-hosts.ts'
import type { SlowQuestion } from '../../monitoring/figures/slow-questions.ts'
import { underAnyPressure } from '../edge/load-shedding.ts'
import { mergedReport } from '../../monitoring/merged/performance.ts'
import { withOthers, type OtherWorkers } from './other-workers.ts'

export interface PerformanceParts {
  readonly monitor: { report(): Report }
  readonly workers: OtherWorkers
  readonly config: {
    /** ALLOWED_HOSTS. Undefined or `*` adds no known names besides loopback names. */
    readonly allowedHosts: readonly string[] | undefined
  }
}

type Report = Verdict & PerformanceReport

/** The body of the reply. */
export type PerformanceMetrics = SnakeCase<Report>

type SnakeCase<Value> = Value extends readonly (infer Item)[]
  ? readonly SnakeCase<Item>[]
  : Value extends object
    ? { readonly [Name in keyof Value as SnakeName<Name>]: SnakeCase<Value[Name]> }
    : Value
type SnakeName<Name> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? '' : '_'}${Lowercase<First>}${SnakeName<Rest>}`
  : Name

/**
 * GET /monitoring/performance-metrics: statistics of the last 1, 5 and 15 minutes, and recommendations. Waits for no
 * connection, database, Redis or model, and at most a moment for the other workers. Question texts, if recorded at all, are shown only to callers with a monitoring
 * key, and to this machine under a loopback name or one in ALLOWED_HOSTS.
 */
export function registerPerformanceMetrics(app: FastifyInstance, { monitor, workers, config }: PerformanceParts): void {
  workers.reportsWith('performance', monitor.report)
  const known = new Set(config.allowedHosts)
  const mayReadTexts = (request: FastifyRequest) =>
    request.apiKey?.scopes.includes('monitoring') === true || (isFromHere(request) && isKnownName(request, known))
  app.get(
    '/monitoring/performance-metrics',
    { logLevel: 'warn', config: { needs: 'monitoring', rateLimit: false, ...underAnyPressure } },
    async (request, reply) => {
      const full = await withOthers(workers, 'performance', { own: monitor.report(), merge: mergedReport })
      return await reply
        .header('cache-control', 'no-store')
        .send(snake(mayReadTexts(request) ? full : withoutTexts(full)))
    },
  )
}

function withoutTexts(report: Report): Report {
  return { ...report, slowQuestions: report.slowQuestions.map(withoutText) }
}

function withoutText(slow: SlowQuestion): SlowQuestion {
  const { question: _text, ...rest } = slow
  return rest
}

/** Converts names to snake_case. Keys of maps by code, stage or reason contain no capitals and stay as they are. */
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
