import type { Admission } from '../admission.ts'
import type { LeaseOutcome, LeaseRequest } from './lease.ts'
import type { CacheKey } from './cache-key.ts'
import type { CachedAnswer } from './freshness.ts'
import type { CacheCounts, AnswerCache } from './answer-cache.ts'
import type { SemanticAnswers, SemanticMatch } from './semantic/semantic-answers.ts'
import { bestEffort } from '../best-effort.ts'
import { replay } from './replay.ts'
import type { FillLease } from './shared-cache.ts'
import type { Stage } from '../stage.ts'
import { orBefore } from './stale-if-error.ts'
import type { Answer, AskedCollection, AskEvent, AskWithin, CacheTier, Question, Run } from '../terms.ts'

export interface ComputeSteps {
  /** Null: no Redis, nobody to share with. */
  readonly fillLease: Stage<LeaseRequest, LeaseOutcome> | null
  /** Null: near questions share no answers. */
  readonly semantic: SemanticAnswers | null
  /** Absent: whatever is asked is made. */
  readonly admission?: Pick<Admission, 'events' | 'check'>
  /** The pipeline: what all of this is there to spare. */
  readonly compute: AskWithin
}

/** A question that needs an answer, and where that is kept. */
export interface CacheableQuestion {
  readonly question: Question
  readonly collection: AskedCollection
  readonly cacheKey: CacheKey
  /** One past its time; null: none is wanted. */
  readonly before?: CachedAnswer | null | undefined
  /**
   * Milliseconds since 1970: what is fresh no longer than that will not do, nor will a near question's. Infinity:
   * nothing will, not even what another replica is making. Absent: whatever is fresh now.
   */
  readonly recomputeAfter?: number
}

interface Found {
  readonly found: CachedAnswer
  readonly tier: CacheTier
}

/**
 * Found in Redis, or else made by one replica while the others wait for it. When the model or the database fails
 * meanwhile, the answer from before, if there is one.
 */
export function computeOnceWith(
  { fillLease: claimStage, semantic, admission, compute }: ComputeSteps,
  kept: AnswerCache,
  counts: CacheCounts,
  now: () => number,
) {
  return async function* makeOnce(asked: CacheableQuestion, run: Run): AsyncGenerator<AskEvent, void> {
    const { cacheKey, recomputeAfter } = asked
    const wanted = { key: cacheKey.key, freshAfter: recomputeAfter ?? now(), isPatient: recomputeAfter !== Infinity }
    const { claim, hasWaited } = claimStage ? await claimStage(wanted, run) : alone
    if (claim.kind === 'found') {
      kept.copy(cacheKey.key, claim.found)
      // Anew, and found: another replica has refreshed it. Not counted, for nobody waits for it here, or they joined and are.
      return yield* replay(
        recomputeAfter === undefined
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
    asked: CacheableQuestion,
    before: Found | null,
    lease: FillLease | null,
    run: Run,
  ): AsyncGenerator<AskEvent, void> {
    let seen: SemanticMatch | null = null
    let startedAt = performance.now()
    const fresh = async function* (): AsyncGenerator<AskEvent, void> {
      seen = await look(asked, run)
      if (seen?.answer) return yield* replay(seen.answer)
      startedAt = performance.now()
      yield* compute(asked.question, asked.collection, run)
    }
    // Before the look for a near question: that takes a vector, and a refusal must cost nothing.
    const made = admission ? admission.events(run, fresh) : fresh()
    const events = before
      ? orBefore(made, amiss => kept.giveInstead(before.found, before.tier, amiss), run.signal)
      : made
    for await (const event of events) {
      if (event.type === 'done') {
        const { status } = event.answer.cache
        if (status === 'miss' && asked.recomputeAfter === undefined) counts.missed()
        if (status !== 'stale' && status !== 'near')
          keep(asked, event.answer, performance.now() - startedAt, lease, seen)
      }
      yield event
    }
  }

  async function look(
    { question, collection, cacheKey, recomputeAfter }: CacheableQuestion,
    run: Run,
  ): Promise<SemanticMatch | null> {
    if (recomputeAfter !== undefined || !semantic) return null
    return await bestEffort(null, run, brief => semantic.lookup({ question, collection, place: cacheKey }, brief))
  }

  function keep(
    { question, collection, cacheKey }: CacheableQuestion,
    answer: Answer,
    tookMs: number,
    lease: FillLease | null,
    seen: SemanticMatch | null,
  ): void {
    const seconds = kept.secondsFor(question, collection, answer)
    kept.keep(cacheKey.key, answer, { seconds, tookMs }, lease)
    if (seen && answer.degraded.length === 0 && !answer.isOvertaken)
      semantic?.learn(seen, { key: cacheKey.key, question, answer, seconds })
  }
}

const alone: LeaseOutcome = { claim: { kind: 'alone' }, hasWaited: false }

/** The answer is as good, only nobody else will have it. */
function withoutCache(event: AskEvent): AskEvent {
  if (event.type !== 'done') return event
  return { type: 'done', answer: { ...event.answer, degraded: [...event.answer.degraded, 'cache'] } }
}
