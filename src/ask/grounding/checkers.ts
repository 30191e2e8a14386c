/** Models that judge whether passages support a claim, where words do not decide. */
import { isAskError } from '../../errors.ts'
import { startDeadline } from '../../resilience/deadline.ts'
import { textWithTitle } from '../retrieval/rerank.ts'
import type { Reranker } from '../retrieval/rerank.ts'
import type { ChatModel } from '../generation/chat.ts'
import type { Passage } from '../terms/passage.ts'
import type { Run } from '../terms/run.ts'
import type { SupportChecker } from './ground.ts'

/** Time for one claim, and share of what is left of the request's time. */
export interface CheckerTimes {
  readonly timeoutMs: number
}

const longestShare = 0.25
/** After a failure, words decide alone for this time. */
const pauseMs = 10_000

type Judge = (claim: string, passages: readonly Passage[], signal: AbortSignal, run: Run) => Promise<boolean | null>

/** Makes checkers of one model, which pause together after it failed. */
function checkersWith(judge: Judge, { timeoutMs }: CheckerTimes, readsAll: boolean): (run: Run) => SupportChecker {
  let pausedUntil = 0
  return run => ({
    readsAll,
    async isSupported(claim, passages) {
      const now = performance.now()
      const ms = Math.min(timeoutMs, (run.deadline - now) * longestShare)
      if (now < pausedUntil || ms <= 0) return null
      const limit = startDeadline('checking a sentence', ms, run.signal)
      try {
        return await Promise.race([judge(claim, passages, limit.signal, run), limit.expired])
      } catch (error) {
        if (run.signal.aborted || !isAskError(error)) throw error
        pausedUntil = performance.now() + pauseMs
        run.log.warn({ code: error.code, detail: error.detail }, 'the model that checks sentences failed: words decide')
        return null
      } finally {
        limit.stop()
      }
    },
  })
}

const mostPassages = 3
/** MiniCheck was trained on texts of this length. */
const mostCharacters = 6000

/**
 * A language model made for this, such as Bespoke-MiniCheck, behind an OpenAI-compatible API (Ollama, vLLM): it reads
 * `Document: … Claim: …` and says Yes or No (Tang et al. 2024). Other replies decide nothing.
 */
export function claimCheckers(model: ChatModel, times: CheckerTimes): (run: Run) => SupportChecker {
  return checkersWith(
    async (claim, passages, signal, run) => {
      const texts = passages.slice(0, mostPassages).map(textWithTitle)
      const document = texts.join('\n\n').slice(0, mostCharacters).toWellFormed()
      const messages = [{ role: 'user', content: `Document: ${document}\nClaim: ${claim}` }] as const
      let reply = ''
      for await (const event of model.stream({ system: '', messages, maxTokens: 8 }, signal, { ...run, isShort: true }))
        if (event.type === 'text') reply += event.text
      const word = /^\W*(yes|no|true|false|supported|unsupported|1|0)\b/i.exec(reply)?.[1]?.toLowerCase()
      return word === undefined ? null : ['yes', 'true', 'supported', '1'].includes(word)
    },
    times,
    true,
  )
}

/** From this score, a cross-encoder finds that a passage is about the claim; below the other, that none is. */
const supports = 0.5
const supportsNot = 0.02

/** A cross-encoder, whose scores are probabilities. Scores on any other scale decide nothing. */
export function rerankingCheckers(reranker: Reranker, times: CheckerTimes): (run: Run) => SupportChecker {
  return checkersWith(
    async (claim, passages, signal, run) => {
      const texts = passages.slice(0, mostPassages).map(textWithTitle)
      const deadline = performance.now() + times.timeoutMs
      const scores = await reranker.score(claim, texts, signal, {
        payer: run.payer,
        ...(reranker.isInProcess && { deadline }),
      })
      const known = scores.filter(score => score !== null)
      if (known.length === 0 || known.some(score => score < 0 || score > 1)) return null
      const best = Math.max(...known)
      return best >= supports ? true : best < supportsNot ? false : null
    },
    times,
    false,
  )
}
