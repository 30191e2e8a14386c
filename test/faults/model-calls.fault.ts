import type { Behaviour } from '../support/model/behaviour.ts'
import { leftAlone } from './left-alone.ts'
import { allAnswered, runScenario, type Underway } from './scenario.ts'
import { paced, type World } from './world.ts'

runScenario({
  name: 'the model is refused',
  harm: ({ model }) => model.stop(),
  heal: ({ model }) => model.start(),
  bar: allAnswered,
  found: { culprit: 'chat', codes: ['chat-unreachable'] },
})

const faults: Readonly<Record<string, readonly [fault: Behaviour, code: string]>> = {
  'the model replies 500': [{ status: 500 }, 'chat-fails'],
  'the model replies 429, wait 2 s': [{ status: 429, retryAfter: 2 }, 'chat-busy'],
  'the model accepts and is silent': [{ silent: true }, 'chat-silent'],
  // Who waits for 2.5 s sees no difference.
  'the model takes 30 s': [{ delayMs: 30_000 }, 'chat-silent'],
}

for (const [name, [fault, code]] of Object.entries(faults)) {
  runScenario({
    name,
    harm: (world, underway) => broken(world, fault, underway),
    heal: world => both(world),
    bar: allAnswered,
    found: { culprit: 'chat', codes: [code] },
  })
}

/** One that asks to be left alone for a while is no broken one: that is not for a breaker. */
async function broken(world: World, fault: Behaviour, underway: Underway): Promise<void> {
  both(world, fault)
  if (fault.status === 429) return
  const { chat, embeddings } = world.model
  await Promise.all([
    leftAlone(world, underway, 'chat', () => chat.requests.length),
    leftAlone(world, underway, 'embeddings', () => embeddings.requests.length),
  ])
}

/** Vectors and answers come from one API, so both fail. */
function both({ model }: World, fault: Behaviour = {}): void {
  model.chat.behave(paced(fault))
  model.embeddings.behave(fault)
}
