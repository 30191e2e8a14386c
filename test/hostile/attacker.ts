import { attacks } from './attacks.ts'
import { createPace, play, seeded } from './hand.ts'
import type { Attack, Order, Report, Surroundings } from './terms.ts'

/**
 * The hostile client, a process of its own: what it takes to make its bodies must not be taken for what it takes to answer
 * them. It plays as many attacks at once as it has lanes, at the pace of the default rate limit for all of them together.
 */

const lanes = 8
/** How long what is under way may go on after a pause. */
const untilAbortMs = 20_000

const pace = createPace()
let surroundings: Surroundings | undefined
let random = seeded(1)
let pausing = new AbortController()
/** Attacks that go on until they are stopped hear of the pause at once, the others are waited for. */
let isPaused = false

/** To a parent that may be gone: then the disconnect says so. */
const tell = (report: Report) => void process.send?.(report, () => undefined)

process.on('message', (order: Order) => {
  if (order.kind === 'surroundings') {
    surroundings = order.surroundings
    random = seeded(surroundings.seed)
    tell({ kind: 'idle' })
  } else if (order.kind === 'pause') pause()
  else void perform(order)
})
// Its parent is gone.
process.on('disconnect', () => process.exit(1))

function pause(): void {
  isPaused = true
  const current = pausing
  setTimeout(() => current.abort(), untilAbortMs).unref()
}

async function perform(order: Extract<Order, { names: readonly string[] }>): Promise<void> {
  isPaused = false
  pausing = new AbortController()
  const chosen = attacks.filter(({ name }) => order.names.includes(name))
  const next = order.kind === 'each' ? eachOf(chosen) : pickFrom(chosen)
  await Promise.all(Array.from({ length: lanes }, () => lane(next)))
  tell({ kind: 'idle' })
}

function eachOf(chosen: readonly Attack[]): () => Attack | undefined {
  const left = [...chosen]
  return () => left.shift()
}

function pickFrom(chosen: readonly Attack[]): () => Attack | undefined {
  const total = chosen.reduce((sum, { weight = 1 }) => sum + weight, 0)
  return () => {
    let at = random() * total
    return chosen.find(({ weight = 1 }) => (at -= weight) < 0) ?? chosen.at(-1)
  }
}

async function lane(next: () => Attack | undefined): Promise<void> {
  while (!isPaused) {
    const attack = next()
    if (attack === undefined) return
    tell({ kind: 'began', name: attack.name })
    const played = await play(attack, {
      surroundings: surroundings!,
      pace,
      random: seeded(random() * 2 ** 32),
      signal: pausing.signal,
    })
    tell({ kind: 'played', played })
  }
}
