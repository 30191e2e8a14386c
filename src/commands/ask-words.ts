import { withPlainMarkers } from '../ask/generation/citation-markers.ts'
import type { ExplanationJson } from '../http/replies/explain.ts'
import type { AnswerJson } from '../http/replies/wire.ts'

/** Text output of `askwell ask`. */

export function answerText({ answer, truncated, citations, explain }: AnswerJson): string {
  const sources = citations.map(({ index, source, title, url, quote }) =>
    [
      `[${index}] ${[title, url ?? source].filter(Boolean).join('  ')}`,
      ...quote.split('\n').map(line => `    ${line}`),
    ].join('\n'),
  )
  const notice = truncated ? ['(cut off: the answer reached MAX_ANSWER_TOKENS)'] : []
  return [withPlainMarkers(answer), ...notice, ...sources, ...(explain ? [explanationText(explain)] : [])].join('\n\n')
}

function explanationText(explain: ExplanationJson): string {
  const facts: readonly (readonly [string, string | null])[] = [
    ['question', questionText(explain)],
    ['collection', explain.collection && `${explain.collection.name}, epoch ${explain.collection.epoch}`],
    ['cache', cacheText(explain)],
    ['confidence', confidenceText(explain)],
    ['signals', signalsText(explain)],
    ...(explain.grounding ? [['checked', groundingText(explain.grounding)] as const] : []),
    ['degraded', explain.degraded.length === 0 ? 'no' : explain.degraded.join(', ')],
    ['times', timesText(explain)],
  ]
  return [
    ...facts.map(([name, text]) => `${name.padEnd(factWidth)}  ${text ?? unknown}`),
    ...passageLines(explain),
  ].join('\n')
}

function groundingText({ outcome, kept, dropped }: NonNullable<ExplanationJson['grounding']>): string {
  const lines = dropped.map(
    ({ text, reason, detail }) => `\n    left out (${reason}${detail === '' ? '' : `: ${detail}`}): ${text}`,
  )
  return `${outcome}; ${kept} sentences kept, ${dropped.length} left out${lines.join('')}`
}

type AskedTerm = NonNullable<ExplanationJson['question']>['terms'][number]

const factWidth = 'collection'.length
const unknown = 'unknown: the answer was not computed by this run'

function questionText({ question }: ExplanationJson): string | null {
  if (!question) return null
  const { text, rewritten, language, analyzed_as: readAs, terms, other_wordings: others, used_wording: used } = question
  const searched = terms.filter(({ spare }) => !spare).map(searchedText)
  return [
    readAs === language ? language : `${language}, analyzed as ${readAs}`,
    ...(rewritten ? [`rewritten: ${text}`] : []),
    `terms: ${searched.join(' ')}`,
    ...others.map(other => `${other === used ? 'used wording' : 'other wording'}: ${other}`),
  ].join('; ')
}

function searchedText({ term, read_as: corrected = [], unknown: isUnknown }: AskedTerm): string {
  if (corrected.length > 0) return `${term} (read as ${corrected.map(each => each.term).join(', ')})`
  return isUnknown ? `${term} (unknown)` : term
}

function cacheText({ cache }: ExplanationJson): string | null {
  if (!cache) return null
  const { status, tier, age, key } = cache
  return `${[status, tier, age === null ? null : `${age} s old`].filter(part => part !== null).join(', ')}; key ${key}`
}

const reasons = {
  no_words: 'the question has no letter or digit',
  other_language: 'no document is in its language, and the embedding model does not connect the two',
  not_relevant: 'the documents probably do not answer it',
  model: 'the model found no answer in the passages',
  grounding: 'the passages do not say what the model wrote, and no sentence of them answers',
  no_sentence: 'no sentence of the passages answers it',
} as const

function confidenceText({ confidence, confidence_threshold: threshold, ...explain }: ExplanationJson): string | null {
  const reason = explain.abstained_because && `abstained: ${reasons[explain.abstained_because]}`
  if (confidence === null || threshold === null) return reason
  const { vector_share: share, candidates } = explain
  return [
    `${decimals(confidence)}, threshold ${decimals(threshold)}`,
    candidates === 1 ? '1 candidate' : `${candidates} candidates`,
    ...(share === null ? [] : [`vectors ${Math.round(share * 100)} %`]),
    ...(reason ? [reason] : []),
  ].join('; ')
}

/** Those that matter most, each with what it adds to the log-odds. */
function signalsText({ signals }: ExplanationJson): string | null {
  if (!signals) return null
  const shown = signals.slice(0, shownSignals)
  return shown.map(({ name, value, contribution }) => `${name} ${decimals(value)} (${signed(contribution)})`).join(', ')
}

const shownSignals = 6

function signed(value: number): string {
  const text = decimals(value)
  return text.startsWith('-') ? text : `+${text}`
}

function timesText({ timings_ms: timings }: ExplanationJson): string {
  return Object.entries(timings)
    .map(([stage, ms]) => `${stage} ${ms} ms`)
    .join(', ')
}

type Candidate = NonNullable<ExplanationJson['passages']>[number]

/** Column heads, and the cell of a passage. */
const columns: readonly (readonly [string, (candidate: Candidate) => string])[] = [
  ['fused', ({ scores, ranks }) => scored(scores.fused, ranks.fused)],
  ['bm25', ({ scores }) => scored(scores.lexical, scores.lexical_rank)],
  ['vector', ({ scores }) => scored(scores.vector, scores.vector_rank)],
  ['coverage', ({ scores }) => decimals(scores.coverage)],
  ['reranked', ({ scores, ranks }) => scored(scores.rerank, ranks.reranked)],
  ['selected', ({ ranks }) => `${ranks.selected ?? '-'}`],
  ['packed', ({ ranks }) => `${ranks.packed ?? '-'}`],
]

/** One row per candidate: each score, with its rank in brackets. */
function passageLines({ passages }: ExplanationJson): string[] {
  if (!passages?.length) return []
  const rows = passages.map(passage => columns.map(([, cell]) => cell(passage)))
  const widths = columns.map(([head], i) => Math.max(head.length, ...rows.map(row => row[i]!.length)))
  const line = (cells: readonly string[], last: string) =>
    [...cells.map((cell, i) => cell.padStart(widths[i]!)), last].join('  ')
  return [
    '',
    line(
      columns.map(([head]) => head),
      'passage',
    ),
    ...passages.map(({ title, chunk_id: id }, i) => line(rows[i]!, `${title}  ${id}`)),
  ]
}

function scored(score: number | null, rank: number | null): string {
  return score === null ? '-' : `${decimals(score)} (${rank ?? '-'})`
}

/** Without the minus of numbers that round to zero. */
function decimals(value: number): string {
  return value.toFixed(2).replace(/^-(?=0\.00$)/, '')
}
