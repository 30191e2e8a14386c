import { bootstrap, meanOf, shareOf, wilson, type Estimate, type Share } from '../intervals.ts'
import { percentile } from '../metrics.ts'
import { citationFigures, type CitationFigures } from './citations.ts'
import type { Overlap } from './match.ts'
import type { Asked, Reply, Verdict } from './terms.ts'
import { hasAnswer, isExpected, overlapOf, verdictOf } from './verdict.ts'

/** Figures of the questions that the documents answer. Shares are over all of them, refused ones included. */
export interface AnswerableFigures {
  readonly questions: number
  /** Lost: refused although answerable. */
  readonly refused: Share
  readonly right: Share
  readonly partial: Share
  readonly wrong: Share
  /** The first citation is of a right document. */
  readonly citedFirst: Share
  /** Any citation is. */
  readonly cited: Share
  /** A right document is among the first five passages of the answer. */
  readonly amongFive: Share
  /** The first passage, or one of the first five, is of a right document, whether the question was then refused or not. */
  readonly foundFirst: Share
  readonly foundFive: Share
  /** Over the questions with short gold answers. */
  readonly contained: Share
  /** Over the questions with gold answers. Zero for refused ones. */
  readonly tokenRecall: Estimate
  readonly tokenF1: Estimate
}

export interface Figures {
  readonly answerable: AnswerableFigures
  readonly unanswerable: {
    readonly questions: number
    /** Refused, rightly. */
    readonly refused: Share
    /** Answered, falsely. */
    readonly false: Share
  }
  /** Neither: thanks, or a question to be asked back. */
  readonly other: { readonly questions: number; readonly answered: number }
  /** Over the questions whose language the set states. */
  readonly languageRight: Share
  /** Of the answers that were given, whether the questions are answerable or not. */
  readonly citations: CitationFigures
  readonly latency: Latency
}

export interface Latency {
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p50: Estimate
  readonly p95: Estimate
}

export function figuresOf(asked: readonly Asked[]): Figures {
  const unanswerable = asked.filter(({ question }) => question.isAnswerable === false)
  const other = asked.filter(({ question }) => question.isAnswerable === null)
  return {
    answerable: answerableFigures(asked.filter(({ question }) => question.isAnswerable === true)),
    unanswerable: {
      questions: unanswerable.length,
      refused: shareOf(unanswerable, ({ reply }) => reply.abstained),
      false: shareOf(unanswerable, ({ reply }) => !reply.abstained),
    },
    other: { questions: other.length, answered: other.filter(({ reply }) => !reply.abstained).length },
    languageRight: shareOf(
      asked.filter(({ question }) => question.language !== undefined),
      ({ question, reply }) => question.language === reply.language,
    ),
    citations: citationFigures(asked.map(({ reply }) => reply)),
    latency: latencyOf(asked.map(({ reply }) => reply.ms)),
  }
}

function answerableFigures(asked: readonly Asked[]): AnswerableFigures {
  const verdicts = asked.map(({ question, reply }) => verdictOf(question, reply))
  const share = (verdict: Verdict) => wilson(verdicts.filter(each => each === verdict).length, asked.length)
  const inPassages = (each: Asked, { passages, abstained }: Reply, depth: number) =>
    !abstained && passages.slice(0, depth).some(passage => isExpected(each.question.expected, passage))
  const found = (each: Asked, depth: number) =>
    inPassages(each, { ...(each.open ?? each.reply), abstained: false }, depth)
  const withShort = asked.flatMap(({ question, reply }) => {
    const has = hasAnswer(question, reply)
    return has === null ? [] : [has && !reply.abstained]
  })
  const overlaps = asked.flatMap(({ question, reply }): Overlap[] => {
    const overlap = overlapOf(question, reply)
    if (overlap === null) return []
    return [reply.abstained ? { recall: 0, f1: 0 } : overlap]
  })
  return {
    questions: asked.length,
    refused: share('refused'),
    right: share('right'),
    partial: share('partial'),
    wrong: share('wrong'),
    citedFirst: shareOf(asked, ({ question, reply }) =>
      reply.citations.slice(0, 1).some(citation => isExpected(question.expected, citation)),
    ),
    cited: shareOf(asked, ({ question, reply }) =>
      reply.citations.some(citation => isExpected(question.expected, citation)),
    ),
    amongFive: shareOf(asked, each => inPassages(each, each.reply, 5)),
    foundFirst: shareOf(asked, each => found(each, 1)),
    foundFive: shareOf(asked, each => found(each, 5)),
    contained: shareOf(withShort, Boolean),
    tokenRecall: meanOf(overlaps.map(each => each.recall)),
    tokenF1: meanOf(overlaps.map(each => each.f1)),
  }
}

function latencyOf(times: readonly number[]): Latency {
  return {
    p50Ms: percentile(times, 0.5),
    p95Ms: percentile(times, 0.95),
    p50: bootstrap(times, all => percentile(all, 0.5)),
    p95: bootstrap(times, all => percentile(all, 0.95)),
  }
}
