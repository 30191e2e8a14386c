import type { Behaviour } from '../support/model/behaviour.ts'
import { leftAlone } from './left-alone.ts'
import { allAnswered, runScenario, type Bar, type Underway } from './scenario.ts'
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

/** Some thirty questions wait for the model at a time then, and all of them have time. */
runScenario({
  name: 'the model gets slow',
  timeoutMs: 30_000,
  harm: ({ model }) => model.chat.behave(paced({ delayMs: 1500 })),
  heal: ({ model }) => model.chat.behave(paced()),
  bar: nobodyNotices,
  found: null,
})

/** It can answer four fresh questions a second, a third of those that are asked. */
runScenario({
  name: 'the model works on two at a time in silence',
  timeoutMs: 5000,
  seconds: 12,
  harm: ({ model }) => model.chat.behave(paced({ delayMs: 450, atOnce: 2 })),
  heal: ({ model }) => model.chat.behave(paced()),
  bar: theOthersAreQuoted,
  found: { culprit: 'chat', codes: ['chat-saturated'] },
})

function nobodyNotices(...[during]: Parameters<Bar>): readonly string[] {
  const others = during.filter(({ outcome }) => outcome !== 'well')
  return others.length === 0
    ? []
    : [
        `${others.length} of ${during.length} noticed it: ${others.map(({ outcome, code }) => code ?? outcome).join(', ')}`,
      ]
}

/** Each question has an answer before its deadline: of the model, as many as it can answer, or of quoted sentences. */
function theOthersAreQuoted(...[during, settled]: Parameters<Bar>): readonly string[] {
  const fresh = settled.filter(({ isKnown }) => !isKnown)
  const [whole, quoted] = ['well', 'degraded'].map(wanted => fresh.filter(({ outcome }) => outcome === wanted).length)
  return [
    ...allAnswered(during, settled),
    ...(whole! >= 0.15 * fresh.length ? [] : [`the model answered only ${whole} of ${fresh.length}`]),
    ...(quoted! > 0 ? [] : [`none of ${fresh.length} were quoted: the fault was none`]),
  ]
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
