import { LRUCache } from 'lru-cache'
import { hash } from 'node:crypto'
import { nfkc } from '../../text/normal-form.ts'
import type { AskedCollection, Filters, Question } from '../terms.ts'

/** Where a question's answer is kept. */
export interface CacheKey {
  /** Collection id and a digest of everything that changes the answer. Another key, another answer. */
  readonly key: string
  /** Everything but the question's words: only within it may an answer be shared by questions that are not equal. */
  readonly scope: string
}

/**
 * `fingerprint`: what else changes answers, the same for all questions (models, prompt, settings). Every write draws a new
 * mark, so an answer is never found again after its documents changed, nor by another history of them.
 */
export function cacheKeyOf(question: Question, collection: AskedCollection, fingerprint: string): CacheKey {
  const { filters, history, text } = question
  if (history.length > 0 || hasAny(filters))
    return cacheKeyIn(scopeOf(question, collection, fingerprint), question, collection)
  const { partition, places } = plainOf(question, collection, fingerprint)
  const known = places.get(text)
  if (known !== undefined) return known
  const place = cacheKeyIn(partition, question, collection)
  if (text.length <= maxKnownLength) places.set(text, place)
  return place
}

function cacheKeyIn(partition: string, { text, history }: Question, collection: AskedCollection): CacheKey {
  const said = history.length === 0 ? '' : JSON.stringify(history)
  // A digest has no line break, and no question that is normalised.
  return {
    scope: partition,
    key: `${keyPrefixOfCollection(collection.id)}${digest(`${partition}\n${normalised(text)}\n${said}`)}`,
  }
}

/** What the keys of all answers of a collection begin with, and no others. */
export function keyPrefixOfCollection(collectionId: number): string {
  return `${collectionId}:`
}

interface Plain {
  readonly partition: string
  /** By the question as it was typed. */
  readonly places: LRUCache<string, CacheKey>
}

/** Of questions alone, without filters and history, which are nearly all: reckoned once while a collection stays as it is. */
const plains = new WeakMap<AskedCollection, LRUCache<string, Plain>>()
/** Callers may name any language: there are more of those than memory for their questions. */
const maxPlains = 50
const maxKnown = 1000
const maxKnownLength = 200

interface Last {
  readonly question: Question
  readonly collection: AskedCollection
  readonly fingerprint: string
  readonly plain: Plain
}

/** Nearly every question is of the same kind as the one before: to make and look up the name of a kind takes half a microsecond. */
let last: Last | undefined

function plainOf(question: Question, collection: AskedCollection, fingerprint: string): Plain {
  if (last?.collection === collection && last.fingerprint === fingerprint && isAlike(last.question, question))
    return last.plain
  const plain = knownPlain(question, collection, fingerprint)
  last = { question, collection, fingerprint, plain }
  return plain
}

function isAlike(a: Question, b: Question): boolean {
  return a.mode === b.mode && a.topK === b.topK && a.language === b.language && a.tenant === b.tenant
}

function knownPlain(question: Question, collection: AskedCollection, fingerprint: string): Plain {
  const { mode, topK, language, tenant } = question
  const name = `${mode} ${topK} ${language} ${fingerprint}${tenant === undefined ? '' : ` ${tenant}`}`
  let known = plains.get(collection)
  if (!known) plains.set(collection, (known = new LRUCache({ max: maxPlains })))
  let plain = known.get(name)
  if (!plain)
    known.set(
      name,
      (plain = { partition: scopeOf(question, collection, fingerprint), places: new LRUCache({ max: maxKnown }) }),
    )
  return plain
}

function scopeOf(
  { tenant, mode, topK, language, filters }: Question,
  collection: AskedCollection,
  fingerprint: string,
): string {
  return digest(
    JSON.stringify([
      fingerprint,
      tenant ?? null,
      collection.id,
      collection.epoch,
      collection.epochMark,
      mode,
      topK,
      language ?? null,
      canonical(filters),
    ]),
  )
}

function hasAny(filters: Filters): boolean {
  for (const _ in filters) return true
  return false
}

function digest(text: string): string {
  return hash('sha256', text, 'base64url')
}

/** The order of fields and of a list of values makes no difference. */
function canonical(filters: Filters): readonly (readonly [string, unknown])[] {
  return Object.entries(filters)
    .sort(byName)
    .map(([field, filter]) => [
      field,
      typeof filter !== 'object'
        ? filter
        : 'in' in filter
          ? { in: [...new Set(filter.in.map(value => JSON.stringify(value)))].sort() }
          : Object.entries(filter).sort(byName),
    ])
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1
}

const ascii = /^[\0-\x7f]*$/

/** At the end of a word, where it only ends the sentence. After a blank it may be what is asked about: "the operator !". */
const finalMark = /[\s?؟？]$|[\p{L}\p{N}\p{M}\p{Pe}\p{Pf}"'?؟？!.…。！;][!.…。！;]$/u

/** From the end, one by one: a pattern for all of them begins anew at each mark of a row, 60 ms for 4,000 before a letter. */
function withoutFinalMarks(text: string): string {
  let end = text.length
  // Three units: a mark, and before it a letter that may be two.
  while (end > 0 && finalMark.test(text.slice(Math.max(0, end - 3), end))) end -= 1
  return text.slice(0, end)
}

/** Spellings of one question: Unicode form, case, blanks and the marks at its end make no difference. */
export function normalised(text: string): string {
  const composed = ascii.test(text) ? text : nfkc(text)
  return withoutFinalMarks(composed.toLowerCase().replace(/\s+/gu, ' ')).trim()
}
