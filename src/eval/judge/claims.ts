import { sentences } from '../../text/sentences.ts'
import type { Reply } from '../answers/terms.ts'

/** A statement of an answer, with the numbers of the citations that it rests on. */
export interface AnswerClaim {
  readonly text: string
  readonly cites: readonly number[]
}

const marker = /\[(\d+)\]/g

/**
 * The sentences of an answer as claims. A marker belongs to the sentence that it stands in; one that stands alone, after
 * the full stop, belongs to the sentence before it. Quoted sentences of one passage share the marker after the last.
 */
export function claimsOf({ text, language, generator }: Pick<Reply, 'text' | 'language' | 'generator'>): AnswerClaim[] {
  const claims: { text: string; cites: number[] }[] = []
  for (const { start, end } of sentences(text, language)) {
    const sentence = text.slice(start, end)
    const leading = /^(?:\s*\[\d+\])+/.exec(sentence)?.[0] ?? ''
    const last = claims.at(-1)
    if (last) last.cites.push(...numbersIn(leading))
    const rest = sentence.slice(leading.length)
    const words = rest.replace(marker, '').trim()
    // Markers before the first sentence are its own.
    if (/[\p{L}\p{N}]/u.test(words)) claims.push({ text: words, cites: numbersIn(last ? rest : sentence) })
  }
  if (generator === 'extractive') shareMarkers(claims)
  return claims.map(claim => ({ text: claim.text, cites: [...new Set(claim.cites)] }))
}

function shareMarkers(claims: { cites: number[] }[]): void {
  for (const [index, claim] of claims.entries().toArray().reverse())
    if (claim.cites.length === 0) claim.cites = [...(claims[index + 1]?.cites ?? [])]
}

function numbersIn(text: string): number[] {
  return [...text.matchAll(marker)].map(([, number]) => Number(number))
}
