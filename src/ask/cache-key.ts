import { hash } from 'node:crypto'
import type { AskedCollection, Filters, Question } from './terms.ts'

/** Where a question's answer is kept. */
export interface Place {
  /** Collection id and a digest of everything that changes the answer. Another key, another answer. */
  readonly key: string
  /** Everything but the question's words: only within it may an answer be shared by questions that are not equal. */
  readonly partition: string
}

/**
 * `fingerprint`: what else changes answers, the same for all questions (models, prompt, settings). The epoch grows
 * with every write, so an answer is never found again after its documents changed.
 */
export function placeOf(question: Question, collection: AskedCollection, fingerprint: string): Place {
  const { tenant, mode, topK, language, history } = question
  const around = [fingerprint, tenant ?? null, collection.id, collection.epoch, mode, topK, language ?? null, canonical(question.filters)]
  const partition = digest(JSON.stringify(around))
  return { partition, key: `${collection.id}:${digest(JSON.stringify([partition, normalised(question.text), history]))}` }
}

function digest(text: string): string {
  return hash('sha256', text, 'base64url')
}

/** The order of fields and of a list of values makes no difference. */
function canonical(filters: Filters): readonly (readonly [string, unknown])[] {
  return Object.entries(filters)
    .sort(byName)
    .map(([field, filter]) => [field, typeof filter !== 'object' ? filter : 'in' in filter ? { in: [...new Set(filter.in.map(value => JSON.stringify(value)))].sort() } : Object.entries(filter).sort(byName)])
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1
}

const ascii = /^[\0-\x7f]*$/

/** Spellings of one question: Unicode form, case, blanks and the marks at its end make no difference. */
export function normalised(text: string): string {
  const composed = ascii.test(text) ? text : text.normalize('NFKC')
  return composed.toLowerCase().replace(/\s+/gu, ' ').replace(/[\s?!.…؟？。！;]+$/u, '').trim()
}
