import t from 'tap'
import { createAdmission } from '../../../src/ask/admission.ts'
import type { SearchResult } from '../../../src/ask/terms/evidence.ts'
import type { Answer, AskEvent } from '../../../src/ask/terms/answer.ts'
import type { Question } from '../../../src/ask/terms/question.ts'
import type { Run } from '../../../src/ask/terms/run.ts'
import { noUsage } from '../../../src/ask/terms/usage.ts'
import { Refused, type EnterTerms, type RefusedBy } from '../../../src/resilience/limiter.ts'
import { runOf } from '../../support/run-of.ts'

const answer: Answer = {
  text: 'x',
  abstained: false,
  language: 'en',
  mode: 'fast',
  citations: [],
  passages: [],
  cache: { status: 'miss' },
  degraded: [],
  generator: 'llm',
  model: 'm',
  usage: { ...noUsage, llmCalls: 1 },
}
const looked = { degraded: [], usage: noUsage } as unknown as SearchResult
const question = {} as Question

/** Lets everybody in, or nobody; notes who came and how they left. */
function limited(refusal?: Refused, hasModel = true) {
  const [entered, left, refused]: [EnterTerms[], (string | null)[], string[]] = [[], [], []]
  const finished: (string | null)[] = []
  const enter = async (terms: EnterTerms) => {
    entered.push(terms)
    if (refusal) throw refusal
    let isIn = true
    return {
      away: async <T>(wait: () => Promise<T>) => await wait(),
      finish: (kind: string | null) => void finished.push(kind),
      leave: (kind: string | null) => void (isIn && left.push(kind), (isIn = false)),
    }
  }
  return {
    entered,
    finished,
    left,
    refused,
    admission: createAdmission({
      hasModel,
      limiter: { enter, refuses: () => refusal ?? null },
      events: { runRefused: (...why) => void refused.push(why.join(' ')) },
      record() {},
    }),
  }
}

async function* given(made: Partial<Answer>): AsyncGenerator<AskEvent> {
  yield { type: 'delta', text: 'x' }
  yield { type: 'done', answer: { ...answer, ...made } }
}

for (const [what, made, kind] of [
  ['an answer', {}, 'llm 1'],
  ['quotes', { generator: 'extractive', usage: noUsage }, 'extractive 0'],
  ['an answer that only the cache had no part in', { degraded: ['cache'] }, 'llm 1'],
  ['an answer that lacks something', { generator: 'extractive', degraded: ['generation'] }, null],
  ['the answer of a near question', { cache: { status: 'near' } }, null],
] as [string, Partial<Answer>, string | null][]) {
  t.test(`${what}: leaves as ${kind ?? 'one that says nothing'}, before its last event is given`, async t => {
    const { admission, left } = limited()
    for await (const event of admission.events(runOf(), () => given(made)))
      if (event.type === 'done') t.same(left, [kind])
    t.same(left, [kind], 'once')
  })
}

t.test('with a model to wait for, the work is done when the passages are found; without one, at the end', async t => {
  const passing = async function* (): AsyncGenerator<AskEvent> {
    yield { type: 'passages', passages: [] }
    yield { type: 'done', answer }
  }
  for (const [hasModel, expected] of [
    [true, ['passages']],
    [false, []],
  ] as const) {
    const { admission, finished, left } = limited(undefined, hasModel)
    for await (const event of admission.events(runOf(), passing))
      if (event.type === 'passages') t.same(finished, expected)
    t.same(left, ['llm 1'])
  }
})

t.test('the run that starts can give its place away, and has the name of its caller', async t => {
  const { admission, entered } = limited()
  let started: Run | undefined
  const begin = (run: Run) => ((started = run), given({}))
  await Array.fromAsync(admission.events({ ...runOf(), caller: 'a' }, begin))
  t.equal(entered[0]?.caller, 'a')
  t.equal(await started?.away?.(async () => 'back'), 'back')
})

t.test('a run that fails, and one whose reader leaves: they leave as well', async t => {
  const { admission, left } = limited()
  const failure = new TypeError('broken')
  const failing = async function* (): AsyncGenerator<AskEvent> {
    yield { type: 'delta', text: 'x' }
    throw failure
  }
  await t.rejects(Array.fromAsync(admission.events(runOf(), failing)), failure)
  for await (const _ of admission.events(runOf(), () => given({}))) break
  t.same(left, [null, null])
})

t.test('a search: the same', async t => {
  const { admission, left } = limited()
  const failure = new TypeError('broken')
  t.equal(await admission.search(async () => looked)(question, runOf()), looked)
  await t.rejects(
    admission.search(async () => {
      throw failure
    })(question, runOf()),
    failure,
  )
  await admission.search(async () => ({ ...looked, degraded: ['embeddings'] }))(question, runOf())
  t.same(left, ['search 0', null, null])
})

t.test('comes in with what the run says of itself', async t => {
  const { admission, entered } = limited()
  const run = runOf({ deadline: 123 })
  await admission.events(run, () => given({})).next()
  await admission.events({ ...run, priority: 'batch' }, () => given({})).next()
  t.match(entered, [{ priority: 'interactive', deadline: 123, signal: run.signal }, { priority: 'batch' }])
})

for (const reason of ['queue', 'wait', 'time', 'evicted', 'overdue'] as RefusedBy[]) {
  t.test(`no room (${reason}): overloaded, counted, and nothing begins`, async t => {
    const { admission, refused } = limited(new Refused(reason, 2400))
    const begin = () => {
      throw new Error('it began')
    }
    await t.rejects(admission.events({ ...runOf(), priority: 'batch' }, begin).next(), {
      code: 'overloaded',
      retryAfter: 2.4,
      detail: /try again later/,
    })
    await t.rejects(admission.search(begin)(question, runOf()), { code: 'overloaded' })
    t.match(admission.rejection(runOf()), { code: 'overloaded' })
    t.same(refused, [`batch ${reason}`, `interactive ${reason}`, `interactive ${reason}`])
  })
}

t.test('the caller leaves while waiting: its own reason, not counted', async t => {
  const left = new Error('left')
  const { admission, refused } = limited(left as Refused)
  await t.rejects(admission.events(runOf(), () => given({})).next(), left)
  t.same(refused, [])
})
