import { parseArgs } from 'node:util'
import { createCallLimit } from '../src/resilience/call-limit.ts'
import { manualClock } from '../test/support/clock.ts'
import { simulateModel, type SimulatedModel } from '../test/support/simulated-model.ts'

/**
 * 100 users from a fresh process on, and a model server that works on some calls at a time and lets the others wait in
 * silence: what becomes of the questions of the first minute. In simulated time, so the figures are the same on every
 * machine. `--first-token` is the share of a call's time until its reply begins; without it, nothing shows that.
 */
const { values } = parseArgs({
  options: {
    users: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '60' },
    'first-token': { type: 'string' },
    timeouts: { type: 'string', default: '10000,15000,30000' },
    'at-once': { type: 'string', default: '1,4,16,200' },
    'call-ms': { type: 'string', default: '200,1000,5000' },
    spreads: { type: 'string', default: '0,0.3,0.6' },
  },
})

const listOf = (text: string) => text.split(',').map(Number)
const seconds = Number(values.seconds)
const firstToken = values['first-token'] === undefined ? {} : { firstToken: Number(values['first-token']) }

async function rowOf(model: SimulatedModel, timeoutMs: number) {
  const clock = manualClock()
  const limit = createCallLimit({ clock })
  const { begin, during } = simulateModel(clock, limit, model)
  const count = Number(values.users)
  begin({ seconds: Infinity, count, thinkMs: 500, timeoutMs })
  const [talk] = await during(seconds)
  const { answered, late, quoted, quotedMs } = talk!
  const possible = (1000 * Math.min(model.atOnce, count / (1 + 500 / model.callMs))) / model.callMs
  const slow = quotedMs.filter(ms => ms > 2000).length
  return {
    'at once': model.atOnce,
    'call, ms': model.callMs,
    'spread, %': 100 * (model.spread ?? 0),
    'time-out, s': timeoutMs / 1000,
    'a second': (answered / seconds).toFixed(2),
    'of possible, %': Math.round((100 * answered) / seconds / possible),
    late,
    quoted,
    'after 2 s': slow,
    'within 2 s, %': quoted === 0 ? '–' : (100 * (1 - slow / quoted)).toFixed(1),
    'slowest quoted, s': (quotedMs.reduce((most, ms) => Math.max(most, ms), 0) / 1000).toFixed(1),
    limit: limit.status().limit,
  }
}

const rows: Awaited<ReturnType<typeof rowOf>>[] = []
for (const atOnce of listOf(values['at-once']))
  for (const callMs of listOf(values['call-ms']))
    for (const spread of listOf(values.spreads))
      for (const timeoutMs of listOf(values.timeouts))
        rows.push(await rowOf({ atOnce, callMs, spread, ...firstToken }, timeoutMs))
console.table(rows)
