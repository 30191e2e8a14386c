import { asPeopleAsk } from '../../cache/zipf.ts'
import { hotQuestion } from '../../cache/documents.ts'
import type { Keeper } from '../../cache/keeper.ts'
import { serveAskwell, serveBare } from '../../cache/servers.ts'
import { counterOf } from '../../cache/scrape.ts'
import { rounded } from '../../cache/figures.ts'
import { interleaved } from '../../support/interleave.ts'
import { curveOf, lineOf, perSecond, ratioOf, shotsOf } from '../shots.ts'
import { asking, loaded } from '../subjects.ts'
import type { Outcome, Scenario, World } from '../terms.ts'

const connections = 50
const different = 500

/** Questions as people ask them, few often and many seldom (Zipf, s = 1), of a service that begins with nothing kept. */
async function run(world: World, t: Keeper): Promise<Outcome> {
  const served = await serveAskwell(t, world.settings(t))
  const bodies = asPeopleAsk(10_000, different).map(body => JSON.stringify(body))
  const load = { connections, seconds: world.seconds, mayRefuse: true }
  const control = asking('bare Fastify', await serveBare(t, { answer: 'x'.repeat(1000) }), hotQuestion, load)
  const subject = loaded('Zipf mix', served, () => bodies, load)
  const first = await subject.shoot()
  await control.shoot()
  const turns = await interleaved(control, [subject], world.turns)
  const [hits, misses] = [
    await counterOf(served.address, 'askwell_cache_hits_total'),
    await counterOf(served.address, 'askwell_cache_misses_total'),
  ]
  const rows = [
    lineOf('bare Fastify', shotsOf(turns)),
    lineOf('from the start', [first]),
    { ...lineOf('Zipf mix', shotsOf(turns, 'Zipf mix')), 'hits, %': rounded((100 * hits) / (hits + misses), 1) },
  ]
  return {
    tables: [{ title: `${different} questions, Zipf with s = 1, ${connections} connections`, rows }],
    figures: [
      ratioOf(turns, 'Zipf mix', perSecond, { name: 'zipf: requests a second, of bare Fastify', better: 'more' }),
    ],
    curves: [curveOf('the same question, 50 connections', 'Zipf mix', shotsOf(turns, 'Zipf mix'))],
  }
}

export const zipf: Scenario = { about: 'questions as people ask them, few often and many seldom', fullSeconds: 49, run }
