import type { Behaviour } from '../support/model/behaviour.ts'
import { allAnswered, runScenario } from './scenario.ts'
import { paced, type World } from './world.ts'

runScenario({ name: 'the model is refused', harm: ({ model }) => model.stop(), heal: ({ model }) => model.start(), bar: allAnswered })

const faults: Readonly<Record<string, Behaviour>> = {
  'the model replies 500': { status: 500 },
  'the model replies 429, wait 2 s': { status: 429, retryAfter: 2 },
  'the model accepts and is silent': { silent: true },
  'the model takes 30 s': { delayMs: 30_000 },
}

for (const [name, fault] of Object.entries(faults)) {
  runScenario({ name, harm: world => both(world, fault), heal: world => both(world), bar: allAnswered })
}

/** Vectors and answers come from one API, so both fail. */
function both({ model }: World, fault: Behaviour = {}): void {
  model.chat.behave(paced(fault))
  model.embeddings.behave(fault)
}
