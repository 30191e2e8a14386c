/**
 * Checks a model's draft against the passages that it was shown, sentence by sentence, and keeps what they support. Pure
 * except for the checker, where a model is one.
 */
import { analyze, comparedTerms, isStopWord } from '../../text/analyze.ts'
import type { Passage } from '../terms/passage.ts'
import type { DropReason, DroppedSentence } from '../terms/run.ts'
import { checkSentence, type Strictness, type Verdict } from './check.ts'
import { createEvidence, type Evidence } from './evidence.ts'
import { isIntroduction, withoutTalk } from './phrases.ts'
import { claimOf, createPieceReader, type Piece } from './pieces.ts'
import { citedIn, withMarkers } from './sentence-markers.ts'

/** Increment this with every change of the rules: it is part of the cache keys. */
export const groundingVersion = '2'

/** What became of a draft. */
export interface Grounded {
  /** What the passages support. */
  readonly text: string
  readonly dropped: readonly DroppedSentence[]
  /** Sentences that were kept and say something. */
  readonly keptCount: number
  /** Share of the content words of the draft that was kept, 0…1. */
  readonly keptShare: number
  /** Nothing was kept, and the draft says that the passages do not answer. */
  readonly isRefusal: boolean
  /** A sentence was taken away, other than one that stopped in the middle. */
  readonly isTrimmed: boolean
  /** Every sentence was kept, except repetitions, and the model cited a passage that supports it. */
  readonly isSelfCited: boolean
  readonly markersAdded: number
  readonly markersRemoved: number
}

/** A model that judges claims. */
export interface SupportChecker {
  /** It is made for this, so it also reads sentences that words support. */
  readonly readsAll: boolean
  /** Whether the passages support a claim. Null where it could not say, or not in time. */
  readonly isSupported: (claim: string, passages: readonly Passage[]) => Promise<boolean | null>
}

export interface GroundingInput {
  readonly passages: readonly Passage[]
  /** As it was asked, with what a follow-up refers to. */
  readonly question: string
  /** Language of the answer. */
  readonly language: string
  readonly strictness?: Strictness
  /** Asked about sentences that words do not decide. */
  readonly checker?: SupportChecker | undefined
}

export interface Grounder {
  /** Takes the next text of the model and returns what may be shown: whole sentences that were checked. */
  push(text: string): Promise<string>
  /** `isCut`: the reply stopped in the middle, so its last sentence is not judged as a whole one. */
  end(isCut?: boolean): Promise<Grounded & { readonly rest: string }>
  /** Reads the passages, so that the first sentence need not wait for it. */
  prepare(): void
  /** What became of the draft so far. */
  soFar(): Grounded
}

/** A whole draft at once. */
export async function groundDraft(draft: string, input: GroundingInput): Promise<Grounded> {
  const grounder = createGrounder(input)
  await grounder.push(draft)
  return await grounder.end()
}

export function createGrounder(input: GroundingInput): Grounder {
  const reader = createPieceReader(input.language)
  const state = createState(input)

  async function take(pieces: readonly Piece[]): Promise<string> {
    let shown = ''
    for (const piece of pieces) shown += await state.add(piece)
    return shown
  }

  return {
    push: async text => await take(reader.push(text)),
    async end(isCut = false) {
      const pieces = reader.end()
      const rest = await take(isCut ? pieces.slice(0, -1) : pieces)
      const last = isCut ? pieces.at(-1) : undefined
      // A sentence that stops in the middle is left out unless it is all there is.
      const more = last === undefined ? '' : await state.addUnfinished(last)
      return { ...state.result(), rest: rest + more }
    },
    prepare: state.prepare,
    soFar: state.result,
  }
}

function createState(input: GroundingInput) {
  const { passages, question, language } = input
  let evidence: Evidence | undefined
  const read = () => (evidence ??= createEvidence(passages, question))
  const said: ReadonlySet<string>[] = []
  const dropped: DroppedSentence[] = []
  const shown: string[] = []
  let waiting: string[] = []
  let introduction: string | undefined
  let [kept, keptWords, droppedWords, added, removed, uncited, refusals] = [0, 0, 0, 0, 0, 0, 0]

  const show = (text: string): string => {
    const out = shown.length === 0 ? text.trimStart() : text
    if (out !== '') shown.push(out)
    return out
  }

  const wait = ({ lead, text }: Piece): string => (waiting.push(lead + text), '')

  async function add(piece: Piece): Promise<string> {
    const claim = withoutTalk(claimOf(piece))
    if (piece.kind !== 'item') introduction = introductionIn(piece, claim)
    if (saysNothing(piece, claim)) return wait(piece)
    const words = wordsOf(claim, language)
    if (words.size === 0 && !/\p{N}/u.test(claim)) return show(kept > 0 ? piece.lead + piece.text : '')
    const isRepeated = said.some(other => isRepetition(words, other))
    const verdict = isRepeated
      ? none('repetition', claim)
      : await verdictOf({ piece, claim, introduction }, read(), input)
    if (verdict.kind === 'refusal') {
      refusals++
      return kept > 0 ? show(piece.lead + piece.text) : wait(piece)
    }
    if (verdict.kind === 'unsupported' && isLeadIn(claim, verdict)) return wait(piece)
    if (verdict.kind === 'unsupported') return drop(piece, verdict, words.size)
    return keep(piece, claim, verdict, words)
  }

  function keep(
    piece: Piece,
    claim: string,
    { passages: supporting, isOtherLanguage }: Verdict,
    words: ReadonlySet<string>,
  ): string {
    const text = shownText(piece, claim)
    const isUnmarked = piece.kind === 'code' || supporting.length === 0 || (isOtherLanguage && citedIn(text).length > 0)
    const marked = isUnmarked ? text : withMarkers(text, supporting)
    const [before, after] = [citedIn(text).length, citedIn(marked).length]
    if (before === 0 && after > 0) added++
    if (after < before || (before > 0 && marked !== text)) removed++
    if (before === 0 || after === 0 || marked !== text) uncited++
    kept++
    keptWords += Math.max(1, words.size)
    said.push(words)
    const lead = waiting.join('')
    waiting = []
    return show(lead + piece.lead + marked)
  }

  function drop(piece: Piece, { reason = 'words', detail = '' }: Partial<Verdict>, words: number): string {
    dropped.push({ text: piece.text, reason, detail })
    if (countsAgainst(piece, reason)) droppedWords += Math.max(1, words)
    return ''
  }

  return {
    prepare: () => void read(),
    add,
    /** Unchecked when nothing else was kept, so that a reply of half a sentence is judged as one. */
    async addUnfinished(piece: Piece): Promise<string> {
      if (kept > 0) return drop(piece, { reason: 'unfinished', detail: '' }, 0)
      return await add(piece)
    },
    result: (): Grounded => ({
      text: shown.join('').trim(),
      dropped,
      keptCount: kept,
      keptShare: keptWords + droppedWords === 0 ? 0 : keptWords / (keptWords + droppedWords),
      isRefusal: kept === 0 && refusals > 0,
      isTrimmed: dropped.some(({ reason }) => reason !== 'unfinished'),
      isSelfCited: kept > 0 && uncited === 0 && dropped.every(({ reason }) => harmless.has(reason)),
      markersAdded: added,
      markersRemoved: removed,
    }),
  }
}

/** "These may not be sent:" before a list. */
function introductionIn({ kind }: Piece, claim: string): string | undefined {
  return kind === 'sentence' && /[:：]$/u.test(claim) ? claim : undefined
}

/** Such a piece says nothing by itself, and is shown with the next one that does. */
function saysNothing({ kind, isTableHeader }: Piece, claim: string): boolean {
  return kind === 'heading' || kind === 'rule' || isTableHeader || isIntroduction(claim)
}

interface Claim {
  readonly piece: Piece
  readonly claim: string
  /** Of the list that it is an item of. */
  readonly introduction: string | undefined
}

async function verdictOf(
  { piece, claim, introduction }: Claim,
  evidence: Evidence,
  input: GroundingInput,
): Promise<Verdict> {
  const { passages, language, strictness = 'standard', checker } = input
  if (piece.kind === 'code') return checkCode(claim, evidence)
  const verdict = checkSentence({ sentence: claim, introduction, language, strictness }, evidence)
  if (checker === undefined || !mayAskChecker(verdict, checker)) return verdict
  const isSupported = await checker.isSupported(claim, inOrder(passages, verdict.passages))
  if (isSupported === null) return verdict
  if (!isSupported) return { ...verdict, kind: 'unsupported', reason: 'checker', detail: claim }
  return { ...verdict, kind: 'supported' }
}

/** "To replace it, follow these steps:": with no fact of its own, it is as right as what follows it. */
function isLeadIn(claim: string, { reason }: Verdict): boolean {
  return /[:：]$/u.test(claim) && (reason === 'words' || reason === 'clause')
}

/** The piece as it is shown: without talk of the passages at its beginning. */
function shownText(piece: Piece, claim: string): string {
  if (piece.kind !== 'sentence') return piece.text
  const own = claimOf(piece)
  return own === claim ? piece.text : withMarkersOf(piece.text, claim)
}

/** The sentence without talk, with the markers that it had. */
function withMarkersOf(text: string, claim: string): string {
  const markers = [...new Set(citedIn(text))].map(number => `[${number}]`).join('')
  const end = /[.!?…]*$/u.exec(claim)!
  return markers === '' ? claim : `${claim.slice(0, end.index)} ${markers}${end[0]}`
}

/**
 * Facts that stand nowhere are wrong whatever a checker says. A model that only knows what a passage is about does not
 * know whether it denies the claim, or says it of something else.
 */
function mayAskChecker({ kind, reason, isDoubtful }: Verdict, { readsAll }: SupportChecker): boolean {
  if (kind === 'refusal') return false
  if (kind === 'supported') return readsAll || isDoubtful === true
  if (reason === 'words' || reason === 'language') return true
  return readsAll && (reason === 'clause' || reason === 'elsewhere' || reason === 'negation')
}

/** The passages that support a sentence by words first. */
function inOrder(passages: readonly Passage[], first: readonly number[]): Passage[] {
  const best = first.flatMap(index => passages[index] ?? [])
  return [...best, ...passages.filter(passage => !best.includes(passage))]
}

function wordsOf(claim: string, language: string): Set<string> {
  const terms = comparedTerms(analyze(claim, language))
  return new Set(terms.filter(term => !isStopWord(term, language)))
}

/** What is taken away for these reasons says nothing against sentences that the model cited itself. */
const harmless: ReadonlySet<DropReason> = new Set(['repetition', 'unfinished'])

/** A model that repeats itself and cites nothing has lost its thread. */
function countsAgainst({ text }: Piece, reason: DropReason): boolean {
  return !harmless.has(reason) || (reason === 'repetition' && citedIn(text).length === 0)
}

const sameShare = 0.9

function isRepetition(words: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  if (words.size < 3 || other.size < 3) return false
  const shared = words.intersection(other).size
  return shared / words.union(other).size >= sameShare
}

function none(reason: DropReason, detail: string): Verdict {
  return { kind: 'unsupported', reason, detail, passages: [], coverage: 0 }
}

/** Every word of a block of code stands in the passages. */
function checkCode(code: string, { holdings, units }: Evidence): Verdict {
  const body = code.replace(/^\s*[`~]{3,}[^\n]*\n?|\n?\s*[`~]{3,}\s*$/g, '')
  const tokens = body.match(/[\p{L}\p{M}\p{N}]+(?:[-_.][\p{L}\p{M}\p{N}]+)*/gu) ?? []
  const strange = tokens.find(token => !holdings.hasToken(token))
  if (strange !== undefined) return none('code', strange)
  const scores = new Map<number, number>()
  for (const unit of units)
    scores.set(unit.passage, (scores.get(unit.passage) ?? 0) + tokens.filter(token => unit.text.includes(token)).length)
  return {
    kind: 'supported',
    passages: [...scores].sort((a, b) => b[1] - a[1]).map(([passage]) => passage),
    coverage: 1,
  }
}
