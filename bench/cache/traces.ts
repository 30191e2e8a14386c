import { startCollector } from '../../test/support/collector.ts'
import { startRedis } from '../../test/support/redis.ts'
import { hotQuestion } from './documents.ts'
import { atMost } from './figures.ts'
import { createKeeper, type Keeper } from './keeper.ts'
import { remembering, type Served, type Settings } from './servers.ts'
import { inTurns, type Compared, type Subject } from './turns.ts'
import type { Outcome, World } from './world.ts'

/** What traces cost a request, by how many are sent: one from memory, one from Redis, one that is made (search and quotes). */
export async function traces({ settings, isQuick }: World, t: Keeper): Promise<Outcome> {
  const [collector, redis] = [await startCollector(t), await startRedis(t)]
  const share = (arg: string): Settings => ({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: arg,
  })
  const ways: readonly (readonly [string, Settings])[] = [
    ['none', {}],
    ['1 %', share('0.01')],
    ['10 %', share('0.1')],
    ['10 %, slow and failed too', { ...share('0.1'), TRACE_SLOW_MS: '60000' }],
    ['all', { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }],
  ]
  const kinds = {
    memory: { own: {}, tier: 'memory' },
    redis: { own: { REDIS_URL: redis.url, ANSWER_CACHE_MB: '0' }, tier: 'redis' },
    // Few at once: more than can be made are refused.
    fresh: { own: {}, tier: 'memory', form: { connections: 4, headers: { 'cache-control': 'no-store' } } },
  } as const
  const figures: Record<string, readonly Compared[]> = {}
  for (const [kind, { own, tier, ...form }] of Object.entries(kinds)) {
    const keeper = createKeeper()
    try {
      const [none, ...others] = await subjectsOf(
        ways,
        async way => (await remembering(keeper, { ...settings, ...own, ...way }, hotQuestion, { tier })).served,
      )
      const told = (subject: Subject): Subject => ({ ...subject, ...form, seconds: isQuick ? 2 : 4 })
      figures[kind] = await inTurns(told(none!), others.map(told), hotQuestion, isQuick ? 2 : 5)
    } finally {
      await keeper.end()
    }
  }
  const added = (kind: string, way: number) => figures[kind]![way]!.cpuUs - figures[kind]![0]!.cpuUs
  return {
    tables: Object.entries(figures).map(([title, compared]) => ({ title, rows: compared.map(lineOf) })),
    claims: [
      atMost(
        'traces: CPU µs that slow and failed ones add to an answer from memory',
        added('memory', 3) - added('memory', 2),
        1,
      ),
      atMost(
        'traces: share of processor time of a made answer, 1 %',
        added('fresh', 1) / figures['fresh']![0]!.cpuUs,
        0.03,
      ),
    ],
  }
}

/** One after the other: five that start at once on one core take longer than is waited for. */
async function subjectsOf(
  ways: readonly (readonly [string, Settings])[],
  serve: (way: Settings) => Promise<Served>,
): Promise<Subject[]> {
  const subjects: Subject[] = []
  for (const [name, way] of ways) subjects.push({ name, seconds: 0, served: await serve(way) })
  return subjects
}

function lineOf({ name, perSecond, cpuUs, ratio }: Compared): object {
  return {
    traces: name,
    'a second': Math.round(perSecond),
    'CPU µs': Math.round(cpuUs * 10) / 10,
    'of none': Math.round(ratio * 1000) / 1000,
  }
}
