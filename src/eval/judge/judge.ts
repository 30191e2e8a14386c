import type { ChatModel } from '../../ask/generation/chat.ts'
import { countTokens } from '../../text/count-tokens.ts'
import type { Asked, Reply } from '../answers/terms.ts'
import { claimsOf, type AnswerClaim } from './claims.ts'
import { parseVerdict } from './parse.ts'
import { completenessAsk, relevanceAsk, supportAsk, type Ask } from './prompts.ts'

/** Judgements of one answer; a figure is null where the judge gave no usable verdict. */
export interface Judged {
  readonly question: string
  readonly claims: readonly JudgedClaim[]
  /** 1 for yes, 0.5 for partly, 0 for no. */
  readonly relevance: number | null
  readonly completeness: number | null
  readonly calls: number
  readonly unusable: number
}

export interface JudgedClaim {
  readonly text: string
  /** 1: follows from the passages cited, 0.5: partly, 0: not, or it cites none. */
  readonly support: number | null
  /** Whether each of its citations is needed, or supports something by itself; null without a verdict. */
  readonly citations: readonly (boolean | null)[]
}

export interface Judging {
  readonly chat: ChatModel
  readonly signal: AbortSignal
  readonly timeoutMs: number
}

/** Further attempts after a reply that is no verdict. */
const retries = 2
const replyTokens = 60

/**
 * Judges an answer: each claim against the passages that it cites, as ALCE does (Gao et al. 2023, arXiv 2305.14627),
 * then the answer's relevance and completeness.
 */
export async function judge(asked: Asked, judging: Judging): Promise<Judged> {
  const { question, reply } = asked
  const counts = { calls: 0, unusable: 0 }
  const ask = async (request: Ask) => await verdictOf(request, judging, counts)
  const claims: JudgedClaim[] = []
  for (const claim of claimsOf(reply)) claims.push(await judgeClaim(claim, reply, ask))
  const relevance = await ask(relevanceAsk(standAlone(asked), reply.text))
  const completeness = await ask(completenessAsk(standAlone(asked), reply.text, referenceOf(asked)))
  return {
    question: question.id,
    claims,
    relevance: gradeOf(relevance),
    completeness: gradeOf(completeness),
    ...counts,
  }
}

/** The last turns, too: a follow-up alone says too little. */
function standAlone({ question: { text, history } }: Asked): string {
  const turns = history.slice(-4).map(({ role, content }) => `${role}: ${content}`)
  return turns.length === 0 ? text : [...turns, `user: ${text}`].join('\n')
}

function referenceOf({ question: { expected }, reply }: Asked) {
  const golds = expected.by === 'judgements' ? expected.answers : expected.texts
  return golds.length > 0 ? { answers: golds } : { passages: reply.passages.map(each => each.text) }
}

type AskJudge = (request: Ask) => Promise<string | null>

/**
 * Recall: the claim follows from all its passages together. Precision: a citation counts if its passage supports some of
 * the claim by itself, or if the claim no longer follows without it.
 */
async function judgeClaim(claim: AnswerClaim, { citations }: Reply, ask: AskJudge): Promise<JudgedClaim> {
  const cited = claim.cites.map(number => citations.find(each => each.index === number)?.text ?? null)
  const passages = cited.filter(text => text !== null)
  if (passages.length === 0) return { text: claim.text, support: 0, citations: cited.map(() => false) }
  const verdict = await ask(supportAsk(claim.text, passages))
  const needed: (boolean | null)[] = []
  for (const [index, passage] of cited.entries())
    needed.push(passage === null ? false : await isNeeded(claim.text, { cited, index, verdict }, ask))
  return { text: claim.text, support: gradeOf(verdict), citations: needed }
}

interface OneOf {
  readonly cited: readonly (string | null)[]
  readonly index: number
  readonly verdict: string | null
}

async function isNeeded(claim: string, { cited, index, verdict }: OneOf, ask: AskJudge): Promise<boolean | null> {
  if (verdict === null) return null
  // A citation of a claim that its citations do not support is no precise one.
  if (verdict !== 'supported') return false
  const others = cited.filter((passage, place) => passage !== null && place !== index) as string[]
  if (others.length === 0) return true
  const alone = await ask(supportAsk(claim, [cited[index]!]))
  if (alone === 'supported' || alone === 'partly') return true
  const without = await ask(supportAsk(claim, others))
  if (alone === null || without === null) return null
  return without !== 'supported'
}

const grades: Readonly<Record<string, number>> = {
  supported: 1,
  yes: 1,
  all: 1,
  partly: 0.5,
  part: 0.5,
  unsupported: 0,
  no: 0,
  none: 0,
}

function gradeOf(verdict: string | null): number | null {
  return verdict === null ? null : (grades[verdict] ?? null)
}

async function verdictOf(
  { system, user, choices }: Ask,
  { chat, signal, timeoutMs }: Judging,
  counts: { calls: number; unusable: number },
): Promise<string | null> {
  counts.calls += 1
  for (let attempt = 0; attempt <= retries; attempt += 1) {
    const reminder = attempt === 0 ? '' : `\n\nYour last reply was no such object. Reply with the JSON object alone.`
    const messages = [{ role: 'user', content: user + reminder }] as const
    const within = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    let text = ''
    for await (const event of chat.stream({ system, messages, maxTokens: replyTokens }, within))
      if (event.type === 'text') text += event.text
    const verdict = parseVerdict(text, choices)
    if (verdict !== null) return verdict
  }
  counts.unusable += 1
  return null
}

export interface JudgeCost {
  readonly answers: number
  /** At least; a claim with several citations may need more, and so does a reply that is no verdict. */
  readonly calls: number
  /** Of the prompts of these calls. */
  readonly promptTokens: number
}

/** What judging will take, before it starts. */
export function judgeCost(all: readonly Asked[]): JudgeCost {
  let [calls, promptTokens] = [0, 0]
  for (const asked of all) {
    const { reply } = asked
    const asks = [
      relevanceAsk(standAlone(asked), reply.text),
      completenessAsk(standAlone(asked), reply.text, referenceOf(asked)),
      ...claimsOf(reply).flatMap(claim => {
        const passages = reply.citations.filter(each => claim.cites.includes(each.index)).map(each => each.text)
        return passages.length === 0 ? [] : [supportAsk(claim.text, passages)]
      }),
    ]
    calls += asks.length
    promptTokens += asks.reduce((sum, { system, user }) => sum + countTokens(system) + countTokens(user), 0)
  }
  return { answers: all.length, calls, promptTokens }
}
