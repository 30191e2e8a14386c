import { createChat } from '../adapters/models/openai/chat.ts'
import { createOpenAIClient } from '../adapters/models/openai/client.ts'
import type { Config } from '../config/terms.ts'
import type { AnswerSet, Asked } from '../eval/answers/terms.ts'
import { judgeFigures, type JudgeFigures } from '../eval/judge/figures.ts'
import { judge, judgeCost, type Judged } from '../eval/judge/judge.ts'
import type { Host } from './host.ts'
import { say } from './output.ts'
import { createCounter } from './progress.ts'

export interface JudgedSet {
  readonly name: string
  readonly figures: JudgeFigures
  readonly answers: readonly Judged[]
}

export interface Judgement {
  /** The judge. */
  readonly model: string
  readonly sets: readonly JudgedSet[]
}

/** Longest wait for a verdict. A judge that reasons, or a local one, takes a while. */
const timeoutMs = 300_000

/** Fails before minutes of asking if there is no judge. */
export function checkJudge({ evaluation }: Config): void {
  if (evaluation.judge === null)
    throw new Error(
      'there is no model to judge with; set JUDGE_MODEL, and JUDGE_URL or OPENAI_API_KEY, or leave out --judge',
    )
}

/** Judges the answers that were given; abstentions have nothing to judge. */
export async function judgeAnswers(
  answered: readonly { readonly set: AnswerSet; readonly asked: readonly Asked[] }[],
  { host, config, signal }: { readonly host: Host; readonly config: Config; readonly signal: AbortSignal },
): Promise<Judgement | null> {
  const settings = config.evaluation.judge
  if (settings === null) return null
  const client = createOpenAIClient({ ...settings, timeoutMs })
  const chat = createChat(client, { model: settings.model })
  const given = answered.map(({ set, asked }) => ({ set, asked: asked.filter(({ reply }) => !reply.abstained) }))
  announce(
    host,
    config,
    given.flatMap(({ asked }) => asked),
  )
  const count = createCounter(host, 'answers judged')
  const sets: JudgedSet[] = []
  for (const { set, asked } of given) {
    const answers: Judged[] = []
    for (const each of asked) {
      signal.throwIfAborted()
      answers.push(await judge(each, { chat, signal, timeoutMs }))
      count(set.name, answers.length, asked.length)
    }
    sets.push({ name: set.name, figures: judgeFigures(answers), answers })
  }
  return { model: settings.model, sets }
}

function announce(host: Host, { models, evaluation }: Config, asked: readonly Asked[]): void {
  const { answers, calls, promptTokens } = judgeCost(asked)
  const { prices } = models
  // MODEL_PRICES are those of the chat model.
  const isPriced = prices !== null && evaluation.judge?.model === models.chat
  const cost = isPriced
    ? `, about ${prices.currency} ${((promptTokens * prices.prompt) / 1e6).toFixed(2)} for reading`
    : ''
  say(
    host,
    `to judge: ${answers} answers with ${evaluation.judge?.model}, at least ${calls} calls and ${promptTokens.toLocaleString('en')} tokens to read${cost}`,
  )
}
