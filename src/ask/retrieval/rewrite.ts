import { callsMade, isAskError, isOverBudget, loudness } from '../../errors.ts'
import type { ChatModel } from '../generation/chat.ts'
import { sentinel } from '../generation/citation-markers.ts'
import { condensePrompt, rephrasePrompt } from '../generation/prompt.ts'
import type { Degraded } from '../terms/answer.ts'
import type { Question } from '../terms/question.ts'
import type { Run } from '../terms/run.ts'
import { noUsage, type Usage } from '../terms/usage.ts'
import type { AnalyzedQuestion } from '../terms/question.ts'

/** What smart mode asks a model for besides the answer. Neither can fail a question: it then continues as asked. */
export interface Rewrites {
  /** Rewrites a follow-up into a self-contained question; null when the model returned none. */
  condense(question: Question, run: Run): Promise<Spending & { readonly text: string | null }>
  /** Up to two other wordings. */
  rephrase(asked: AnalyzedQuestion, run: Run): Promise<Spending & { readonly texts: readonly string[] }>
}

interface Spending {
  readonly usage: Usage
  /** `budget` when the model was not asked because a budget is used up. */
  readonly degraded: readonly Degraded[]
}

const maxTokens = 120
const maxLength = 500

export function rewriteWith(model: ChatModel): Rewrites {
  return {
    async condense(question, run) {
      const { lines, ...spending } = await linesOf(condensePrompt(question.text, question.history), run)
      return { text: lines[0] ?? null, ...spending }
    },
    async rephrase(asked, run) {
      const { lines, ...spending } = await linesOf(rephrasePrompt(asked.text), run)
      return { texts: lines.slice(0, 2), ...spending }
    },
  }

  async function linesOf(prompt: Omit<Parameters<ChatModel['stream']>[0], 'maxTokens'>, run: Run) {
    let text = ''
    let usage: Usage = { ...noUsage, llmCalls: 1 }
    try {
      for await (const part of model.stream({ ...prompt, maxTokens }, run.signal, { ...run, isShort: true })) {
        if (part.type === 'text') text += part.text
        else if (part.usage) usage = part.usage
      }
    } catch (error) {
      if (!isAskError(error) || !error.code.startsWith('model_')) throw error
      run.log[loudness(error)](
        { code: error.code, err: error.cause ?? error },
        'the question could not be rewritten: using it as asked',
      )
      const degraded: readonly Degraded[] = isOverBudget(error) ? ['budget'] : []
      return { lines: [], usage: { ...usage, llmCalls: callsMade(error) }, degraded }
    }
    const lines = text
      .split('\n')
      .map(line => line.trim().slice(0, maxLength))
      .filter(line => line !== '' && line !== sentinel)
    return { lines, usage, degraded: [] }
  }
}
