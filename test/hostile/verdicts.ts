import type { Asked } from '../support/load.ts'
import type { Played } from './terms.ts'
import type { Weight } from './target.ts'

/** What was seen, and what must hold of it. Nothing here starts or measures anything. */

/** Minutes, or parts of them, with and without the hostile client, in the order in which they were. */
export interface Stretch {
  readonly isAttacked: boolean
  /** Questions of the honest client that were sent and answered within it. */
  readonly asked: readonly Asked[]
  /** After it, when nothing was under way any more; null: the process was dead. */
  readonly weight: Weight | null
}

export interface Seen {
  readonly stretches: readonly Stretch[]
  /** All questions of the honest client, those between the stretches included. */
  readonly asked: readonly Asked[]
  readonly played: readonly Played[]
  /** Names of the attacks that were to be played, and of the operations that were to be gone for. */
  readonly names: readonly string[]
  readonly routes: readonly string[]
  /** How and during what the process ended, in words; null: it is the one that was started. */
  readonly death: string | null
  /** What was still there when the service had been stopped, in words. */
  readonly leftovers: readonly string[]
  /** What the service may have of processes that prepare documents: so many at once, each of so many MB. */
  readonly childLimits: { readonly count: number; readonly mb: number }
  /** Sequences that are ahead of their table, in words. */
  readonly spent: readonly string[]
}

export interface Verdict {
  readonly name: string
  readonly isMet: boolean
  readonly detail: string
  /** It depends on how fast the machine is and what else runs on it. */
  readonly isTimed?: boolean
}

export function verdictsOf(seen: Seen): Verdict[] {
  return [
    noneFails(seen),
    asQuick(seen),
    flat(seen),
    childrenBounded(seen),
    sameProcess(seen),
    nothingLeft(seen),
    noFault(seen),
    everythingPlayed(seen),
    nothingSpent(seen),
  ]
}

export function isFailed({ outcome }: Asked): boolean {
  return outcome !== 'well' && outcome !== 'degraded'
}

function noneFails({ asked }: Seen): Verdict {
  const failed = asked.filter(isFailed)
  const ways = [...Map.groupBy(failed, ({ outcome, code, why }) => `${outcome} ${code ?? why}`.trim())].map(
    ([way, those]) => `${those.length} × ${way}`,
  )
  const detail =
    failed.length === 0 ? `${asked.length} asked` : `${failed.length} of ${asked.length} failed: ${ways.join(', ')}`
  return { name: 'no honest question fails', isMet: asked.length > 0 && failed.length === 0, detail }
}

const mostSlower = 3

function asQuick({ stretches }: Seen): Verdict {
  const p99 = (isAttacked: boolean) =>
    quantile(
      stretches.filter(each => each.isAttacked === isAttacked).flatMap(({ asked }) => asked.map(({ ms }) => ms)),
      0.99,
    )
  const [attacked, quiet] = [p99(true), p99(false)]
  const ratio = attacked / quiet
  return {
    name: `the p99 of honest questions is at most ${mostSlower} times that of minutes without the attacker`,
    isMet: ratio <= mostSlower,
    isTimed: true,
    detail: `${ratio.toFixed(2)} times: ${attacked.toFixed(0)} ms, ${quiet.toFixed(0)} ms without`,
  }
}

/** NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN
}

/** What may grow without being a leak: bytes that caches may still gain, code that is compiled, what an allocator keeps. */
const slack = { heap: { mb: 24, share: 0.1 }, rss: { mb: 64, share: 0.15 } } as const
const kinds = { heap: 'heap', rss: 'RSS' } as const

/**
 * The median of the last third against that of the first: one stretch that ended at a bad moment changes neither, and what
 * is never freed grows from each third to the next.
 */
function flat({ stretches }: Seen): Verdict {
  const weights = weightsOf(stretches)
  const third = Math.max(1, Math.floor(weights.length / 3))
  const parts = (['heap', 'rss'] as const).map(kind => {
    const [first, last] = [weights.slice(0, third), weights.slice(-third)].map(those =>
      quantile(
        those.map(each => each[kind]),
        0.5,
      ),
    ) as [number, number]
    return {
      isFlat: last <= first * (1 + slack[kind].share) + slack[kind].mb,
      text: `${kinds[kind]} ${first.toFixed(0)} → ${last.toFixed(0)} MB`,
    }
  })
  return {
    name: 'memory is flat',
    isMet: weights.length > 1 && parts.every(({ isFlat }) => isFlat),
    detail: parts.map(({ text }) => text).join(', '),
  }
}

/** A child keeps what its last document took, small or large, until its next one: what holds of it is its limit. */
function childrenBounded({ stretches, childLimits: { count, mb } }: Seen): Verdict {
  const children = weightsOf(stretches).map(weight => weight.children)
  const [most, largest] = [Math.max(0, ...children.map(({ length }) => length)), Math.max(0, ...children.flat())]
  return {
    name: 'its children are no more, and no larger, than they may be',
    isMet: most <= count && largest <= mb,
    detail: `at most ${most} of ${count} at once, the largest ${largest.toFixed(0)} of ${mb} MB`,
  }
}

function weightsOf(stretches: readonly Stretch[]): Weight[] {
  return stretches.map(({ weight }) => weight).filter(weight => weight !== null)
}

function sameProcess({ death }: Seen): Verdict {
  return { name: 'the process is the same', isMet: death === null, detail: death ?? 'it never ended' }
}

function nothingLeft({ leftovers }: Seen): Verdict {
  return {
    name: 'nothing is left of it at the end',
    isMet: leftovers.length === 0,
    detail: leftovers.join('; ') || 'no process, no session, no call',
  }
}

function noFault({ played }: Seen): Verdict {
  const faults = [
    ...Map.groupBy(
      played.flatMap(({ name, faults }) => faults.map(fault => `${name}: ${fault}`)),
      fault => fault,
    ),
  ]
  const detail = faults.map(([fault, those]) => `${those.length} × ${fault}`).join('\n')
  return {
    name: 'no attack found what it looked for',
    isMet: faults.length === 0,
    detail: detail || `${played.length} played`,
  }
}

function everythingPlayed({ played, names, routes }: Seen): Verdict {
  const gone = new Set(played.flatMap(({ routes }) => routes))
  const missing = [
    ...names.filter(name => !played.some(each => each.name === name)),
    ...routes.filter(route => !gone.has(route)),
  ]
  return {
    name: 'every attack was played, on every route',
    isMet: missing.length === 0,
    detail: missing.length === 0 ? `${names.length} attacks, ${routes.length} routes` : `not: ${missing.join(', ')}`,
  }
}

function nothingSpent({ spent }: Seen): Verdict {
  return {
    name: 'no sequence moves without a row',
    isMet: spent.length === 0,
    detail: spent.join('; ') || 'all stand where their tables do',
  }
}
