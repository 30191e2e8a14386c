import type { Admission } from '../admission.ts'
import type { Claimed, ToClaim } from './lease.ts'
import type { Place } from './cache-key.ts'
import type { Remembered } from './freshness.ts'
import type { CacheCounts, KeptAnswers } from './answer-cache.ts'
import type { NearAnswers, Seen } from './semantic/semantic-answers.ts'
import { orWithout } from '../best-effort.ts'
import { replay } from './replay.ts'
import type { Lease } from './shared-cache.ts'
import type { Stage } from '../stage.ts'
import { orBefore } from './stale-if-error.ts'
import type { Answer, AskedCollection, AskEvent, AskWithin, CacheTier, Question, Run } from '../terms.ts'

export interface MakeSteps {
  /** Null: no Redis, nobody to share with. */
  readonly claim: Stage<ToClaim, Claimed> | null
  /** Null: near questions share no answers. */
  readonly near: NearAnswers | null
  /** Absent: whatever is asked is made. */
  readonly admission?: Pick<Admission, 'events' | 'check'>
  /** The pipeline: what all of this is there to spare. */
  readonly make: AskWithin
}

/** A question that needs an answer, and where that is kept. */
export interface Asked {
  readonly question: Question
  readonly collection: AskedCollection
  readonly place: Place
  /** One past its time; null: none is wanted. */
  readonly before?: Remembered | null | undefined
  /**
   * Milliseconds since 1970: what is fresh no longer than that will not do, nor will a near question's. Infinity:
   * nothing will, not even what another replica is making. Absent: whatever is fresh now.
   */
  readonly anewAfter?: number
}

interface Found {
  readonly found: Remembered
  readonly tier: CacheTier
}

/**
 * Found in Redis, or else made by one replica while the others wait for it. When the model or the database fails
 * meanwhile, the answer from before, if there is one.
 */
export function makeOnceWith(
  { claim: claimStage, near, admission, make }: MakeSteps,
  kept: KeptAnswers,
  counts: CacheCounts,
  now: () => number,
) {
  return async function* makeOnce(asked: Asked, run: Run): AsyncGenerator<AskEvent, void> {
    const { place, anewAfter } = asked
    const wanted = { key: place.key, freshAfter: anewAfter ?? now(), isPatient: anewAfter !== Infinity }
    const { claim, hasWaited } = claimStage ? await claimStage(wanted, run) : alone
    if (claim.kind === 'found') {
      kept.copy(place.key, claim.found)
      // Anew, and found: another replica has refreshed it. Not counted, for nobody waits for it here, or they joined and are.
      return yield* replay(
        anewAfter === undefined
          ? kept.give(claim.found, 'redis', hasWaited ? 'coalesced' : undefined)
          : kept.show(claim.found, 'redis'),
      )
    }
    const lease = claim.kind === 'yours' ? claim.lease : null
    const theirs = claim.before ? ({ found: claim.before, tier: 'redis' } as const) : null
    const before =
      asked.before === undefined ? theirs : asked.before && ({ found: asked.before, tier: 'memory' } as const)
    const isAway = claim.kind === 'alone' && claim.isAway === true
    let isOver = false
    try {
      for await (const event of makeIt(asked, before, lease, run)) {
        isOver ||= event.type === 'done'
        yield isAway ? withoutCache(event) : event
      }
    } finally {
      // What was kept ended the lease already. Those who wait for a run that was given up take it over.
      if (lease) kept.track(lease.release(isOver))
    }
  }

  async function* makeIt(
    asked: Asked,
    before: Found | null,
    lease: Lease | null,
    run: Run,
  ): AsyncGenerator<AskEvent, void> {
    let seen: Seen | null = null
    let startedAt = performance.now()
    const fresh = async function* (): AsyncGenerator<AskEvent, void> {
      seen = await look(asked, run)
      if (seen?.answer) return yield* replay(seen.answer)
      startedAt = performance.now()
      yield* make(asked.question, asked.collection, run)
    }
    // Before the look for a near question: that takes a vector, and a refusal must cost nothing.
    const made = admission ? admission.events(run, fresh) : fresh()
    const events = before
      ? orBefore(made, amiss => kept.giveInstead(before.found, before.tier, amiss), run.signal)
      : made
    for await (const event of events) {
      if (event.type === 'done') {
        const { status } = event.answer.cache
        if (status === 'miss' && asked.anewAfter === undefined) counts.missed()
        if (status !== 'stale' && status !== 'near')
          keep(asked, event.answer, performance.now() - startedAt, lease, seen)
      }
      yield event
    }
  }

  async function look({ question, collection, place, anewAfter }: Asked, run: Run): Promise<Seen | null> {
    if (anewAfter !== undefined || !near) return null
    return await orWithout(null, run, brief => near.look({ question, collection, place }, brief))
  }

  function keep(
    { question, collection, place }: Asked,
    answer: Answer,
    tookMs: number,
    lease: Lease | null,
    seen: Seen | null,
  ): void {
    const seconds = kept.secondsFor(question, collection, answer)
    kept.keep(place.key, answer, { seconds, tookMs }, lease)
    if (seen && answer.degraded.length === 0 && !answer.isOvertaken)
      near?.learn(seen, { key: place.key, question, answer, seconds })
  }
}

const alone: Claimed = { claim: { kind: 'alone' }, hasWaited: false }

/** The answer is as good, only nobody else will have it. */
function withoutCache(event: AskEvent): AskEvent {
  if (event.type !== 'done') return event
  return { type: 'done', answer: { ...event.answer, degraded: [...event.answer.degraded, 'cache'] } }
}
