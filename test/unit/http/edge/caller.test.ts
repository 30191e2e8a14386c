import tap from 'tap'
import type { Run } from '../../../../src/ask/terms/run.ts'
import { AskError } from '../../../../src/errors.ts'
import { edgeApp } from '../../../support/edge.ts'

/** The callers whose turns the questions from these addresses take. */
async function callersOf(addresses: readonly string[]): Promise<(string | undefined)[]> {
  const runs: Run[] = []
  const app = await edgeApp({
    cachedAsk: {
      async *ask(_question, run) {
        runs.push(run)
        yield* []
        throw new AskError('overloaded')
      },
    },
  })
  for (const remoteAddress of addresses)
    await app.inject({ method: 'POST', url: '/ask', remoteAddress, payload: { question: 'When?' } })
  await app.close()
  return runs.map(({ caller }) => caller)
}

tap.test('without a key, questions take turns by address, and a network of IPv6 has one turn', async t => {
  const callers = await callersOf(['203.0.113.7', '203.0.113.8', '2001:db8::1', '2001:db8::2', '2001:db8:0:1::1'])
  t.equal(callers[0], 'address:203.0.113.7')
  t.not(callers[1], callers[0])
  t.equal(callers[3], callers[2], 'of the same /64')
  t.not(callers[4], callers[2], 'of another one')
  t.equal(callers.length, 5)
})
