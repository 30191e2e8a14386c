import type { Behaviour } from '../support/model/behaviour.ts'
import { leftAlone } from './left-alone.ts'
import { allAnswered, runScenario, type Underway } from './scenario.ts'
import { paced, type World } from './world.ts'

runScenario({ name: 'the model is refused', harm: ({ model }) => model.stop(), heal: ({ model }) => model.start(), bar: allAnswered })

const faults: Readonly<Record<string, Behaviour>> = {
  'the model replies 500': { status: 500 },
  'the model replies 429, wait 2 s': { status: 429, retryAfter: 2 },
  'the model accepts and is silent': { silent: true },
  'the model takes 30 s': { delayMs: 30_000 },
}

for (const [name, fault] of Object.entries(faults)) {
  runScenario({ name, harm: (world, underway) => broken(world, fault, underway), heal: world => both(world), bar: allAnswered })
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
