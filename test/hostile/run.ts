import { parseArgs } from 'node:util'
import { createKeeper } from '../../bench/cache/keeper.ts'
import { attacks, attacksNamed } from './attacks.ts'
import { playEach } from './each.ts'
import { playAll } from './minutes.ts'
import type { Attack } from './terms.ts'
import { startServers } from './world.ts'

const usage = `usage: npm run test:hostile [-- [--minutes N] [--only NAME] [--seed N] [--short] [--each] [--service FOLDER]]

A hostile client plays attacks at random, within all limits, while an honest one asks; in turns with minutes without the
attacker. Exit code 1 when something does not hold.

  --minutes N       minutes under attack (default 10), and as many without
  --only NAME       only attacks with this in their name; may be given several times
  --seed N          the same picks again; the default is drawn, and printed
  --short           90 s, and how fast the answers come is shown but not asserted: for CI
  --each            instead: each attack alone against a service of its own, and what came of it; never fails
  --seconds N       with --each: how long each is played (default 8)
  --service FOLDER  attack the Askwell of another checkout
`

/** With as many without the attacker: 90 s. */
const shortMinutes = 0.75

/** Long enough for most; what is not answered by then is left in the middle, and the next attack has its turn. */
const foePatienceMs = 15_000

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    only: { type: 'string', multiple: true, default: [] },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    short: { type: 'boolean', default: false },
    each: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '8' },
    service: { type: 'string', default: process.cwd() },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) console.log(usage)
else process.exitCode = await run(values.only.length === 0 ? attacks : [...new Set(values.only.flatMap(attacksNamed))])

async function run(chosen: readonly Attack[]): Promise<number> {
  const options = { seed: Number(values.seed), checkout: values.service }
  console.log(`seed ${options.seed}`)
  const t = createKeeper()
  try {
    const servers = await startServers(t)
    if (values.each)
      return await playEach(servers, chosen, {
        ...options,
        seconds: Number(values.seconds),
        foePatienceMs: 90_000,
        isPatient: true,
      })
    return await playAll(t, servers, chosen, {
      ...options,
      foePatienceMs,
      minutes: values.short ? shortMinutes : Number(values.minutes),
      isTimeAsserted: !values.short,
    })
  } finally {
    await t.end()
  }
}
