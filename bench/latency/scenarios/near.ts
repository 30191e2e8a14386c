import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../../test/support/until.ts'
import { clientOf } from '../../../test/support/service.ts'
import { permitQuestion } from '../../cache/documents.ts'
import type { Keeper } from '../../cache/keeper.ts'
import { serveAskwell, serveBare } from '../../cache/servers.ts'
import { permits } from '../../cache/world.ts'
import { interleaved, warmed } from '../../support/interleave.ts'
import { curveOf, lineOf, perSecond, ratioOf, shotsOf } from '../shots.ts'
import { asking } from '../subjects.ts'
import type { Outcome, Scenario, World } from '../terms.ts'

/** The answer of a question that says the same in other words. Its vector is known: the words are the same every time. */
async function run(world: World, t: Keeper): Promise<Outcome> {
  const served = await serveAskwell(t, { ...world.settings(t), SEMANTIC_CACHE: '0.5' })
  const { ask } = clientOf(served.address)
  let number = 0
  const { body, reply } = await until('a near answer is given', async () => {
    // Another pair every time: what was asked before its like was in the database has an answer of its own from then on.
    const question = permitQuestion(++number)
    const body = {
      question: question.replace('How much does', 'Please tell me how much').replace(' cost?', ' costs'),
      collection: permits,
    }
    await ask({ question, collection: permits })
    await sleep(200 * number)
    const { json } = await ask(body)
    return json.cache.status === 'near' ? { body, reply: json as object } : undefined
  })
  const crowd = { connections: 50, seconds: world.seconds }
  const control = asking('bare Fastify', await serveBare(t, reply), body, crowd)
  const subject = asking('near match', served, body, crowd)
  await warmed([control, subject])
  const turns = await interleaved(control, [subject], world.turns)
  return {
    tables: [
      {
        title: 'a near match, 50 connections',
        rows: [lineOf('bare Fastify', shotsOf(turns)), lineOf('near match', shotsOf(turns, 'near match'))],
      },
    ],
    figures: [
      ratioOf(turns, 'near match', perSecond, { name: 'near: requests a second, of bare Fastify', better: 'more' }),
    ],
    curves: [curveOf('the same question, 50 connections', 'near match', shotsOf(turns, 'near match'))],
  }
}

export const near: Scenario = { about: 'answers of questions that say the same in other words', fullSeconds: 53, run }
