import type { Behaviour } from '../support/model/behaviour.ts'
import { allAnswered, runScenario } from './scenario.ts'
import { paced, type World } from './world.ts'

runScenario({ name: 'the model is refused', harm: ({ model }) => model.stop(), heal: ({ model }) => model.start(), bar: allAnswered, found: { culprit: 'chat', codes: ['chat-unreachable'] } })

const faults: Readonly<Record<string, readonly [fault: Behaviour, code: string]>> = {
  'the model replies 500': [{ status: 500 }, 'chat-fails'],
  'the model replies 429, wait 2 s': [{ status: 429, retryAfter: 2 }, 'chat-busy'],
  'the model accepts and is silent': [{ silent: true }, 'chat-silent'],
  // Who waits for 2.5 s sees no difference.
  'the model takes 30 s': [{ delayMs: 30_000 }, 'chat-silent'],
}

for (const [name, [fault, code]] of Object.entries(faults)) {
  runScenario({ name, harm: world => both(world, fault), heal: world => both(world), bar: allAnswered, found: { culprit: 'chat', codes: [code] } })
}

/** Vectors and answers come from one API, so both fail. */
function both({ model }: World, fault: Behaviour = {}): void {
  model.chat.behave(paced(fault))
  model.embeddings.behave(fault)
}
