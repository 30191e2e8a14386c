import { resolve } from 'node:path'
import { hotQuestion } from './documents.ts'
import { surroundings } from './hot.ts'
import { createKeeper } from './keeper.ts'
import { remembering, type Served } from './servers.ts'
import { inTurns, lineOf, type Subject } from './turns.ts'
import { openWorld } from './world.ts'

/**
 * `node bench/cache/versions.ts FOLDER [ROUNDS]`: this checkout next to another one in FOLDER, with its packages
 * installed. Both answer from memory and anew, in turns; the other one counts as 1. Some four minutes for 7 rounds.
 */
const [other, rounds = '7'] = process.argv.slice(2)
if (other === undefined) throw new Error('name the folder of the other checkout')

const kinds = {
  'from memory': {},
  // Few at once: more than can be made are refused.
  'made anew': { connections: 4, headers: { 'cache-control': 'no-store' } },
}
const t = createKeeper()
try {
  const { settings } = await openWorld(t, true)
  const { traces } = await surroundings(t)
  const serve = async (program?: string): Promise<Served> =>
    (await remembering(t, { ...settings, ...traces }, hotQuestion, { tier: 'memory', ...(program && { program }) }))
      .served
  const [before, now] = [await serve(resolve(other, 'src/cli.ts')), await serve()]
  for (const [kind, form] of Object.entries(kinds)) {
    const subject = (name: string, served: Served): Subject => ({ name, served, form, seconds: 4 })
    const compared = await inTurns(subject('other', before), [subject('this', now)], hotQuestion, Number(rounds))
    console.log(`answers ${kind}`)
    console.table(compared.map(lineOf))
  }
} finally {
  await t.end()
}
