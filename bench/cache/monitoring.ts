import { hotQuestion } from './documents.ts'
import { atLeast } from './figures.ts'
import { surroundings } from './hot.ts'
import type { Keeper } from './keeper.ts'
import { remembering, type Served } from './servers.ts'
import { inTurns, lineOf, type Subject } from './turns.ts'
import type { Outcome, World } from './world.ts'

/**
 * Everything that is for operators switched on, beside the same service without: log, traces of one request in a
 * hundred, a Prometheus that scrapes every five seconds and somebody who has the page open. Metrics and rolling figures
 * are always counted; bench/cache/events.ts measures what they cost.
 */
export async function monitoring({ settings, isQuick }: World, t: Keeper): Promise<Outcome> {
  const kinds = {
    'from memory': { form: {}, least: 0.9 },
    // Few at once: more than can be made are refused.
    'made anew': { form: { connections: 4, headers: { 'cache-control': 'no-store' } }, least: 0.97 },
  }
  const { traces } = await surroundings(t)
  const off = await remembering(t, { ...settings, LOG_LEVEL: 'silent' }, hotQuestion, { tier: 'memory' })
  const on = await remembering(t, { ...settings, ...traces }, hotQuestion, { tier: 'memory' })
  const outcomes = []
  for (const [kind, { form, least }] of Object.entries(kinds)) {
    const subject = (name: string, served: Served): Subject => ({ name, served, form, seconds: isQuick ? 2 : 5 })
    const stop = watch(on.served.address)
    const compared = await inTurns(
      subject('all off', off.served),
      [subject('all on', on.served)],
      hotQuestion,
      isQuick ? 3 : 7,
    ).finally(stop)
    outcomes.push({ kind, least, compared })
  }
  return {
    tables: outcomes.map(({ kind, compared }) => ({
      title: `monitoring, answers ${kind}`,
      rows: compared.map(lineOf),
    })),
    claims: outcomes.flatMap(({ kind, least, compared }) => [
      atLeast(`monitoring: requests a second, answers ${kind}, of those without`, compared[1]!.ratio, least),
      atLeast('the same by processor time', compared[1]!.cpuRatio, least),
    ]),
  }
}

/** As Prometheus and the page ask. */
function watch(address: string): () => void {
  const every = (ms: number, path: string) =>
    setInterval(
      () =>
        void fetch(address + path).then(
          reply => reply.text(),
          () => {},
        ),
      ms,
    )
  const timers = [
    every(5000, '/metrics'),
    every(3000, '/monitoring/pool-status'),
    every(3000, '/monitoring/performance-metrics'),
  ]
  return () => timers.forEach(clearInterval)
}
