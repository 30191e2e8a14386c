import { LRUCache } from 'lru-cache'
import { hash } from 'node:crypto'
import { nfkc } from '../../text/normal-form.ts'
import type { AskedCollection } from '../terms/collection.ts'
import type { Filters, Question } from '../terms/question.ts'

/** Under which key a question's answer is cached. */
export interface CacheKey {
  /**
   * Collection id and a digest of everything that changes the answer, so questions with other answers never share a
   * key.
   */
  readonly key: string
  /** Digest of everything but the question's words: different questions may share an answer only within one scope. */
  readonly scope: string
}

/**
 * `configHash` covers what else changes answers and is equal for all questions: models, prompt, settings. Every write
 * draws a new epoch mark, so an answer is never found again after its documents changed, nor by another history of
 * them.
 */
export function cacheKeyOf(question: Question, collection: AskedCollection, configHash: string): CacheKey {
  const { filters, history, text } = question
  if (history.length > 0 || hasAny(filters))
    return cacheKeyIn(scopeOf(question, collection, configHash), question, collection)
  const { scope, keys } = plainKeysOf(question, collection, configHash)
  const cached = keys.get(text)
  if (cached !== undefined) return cached
  const cacheKey = cacheKeyIn(scope, question, collection)
  if (text.length <= maxKeyedLength) keys.set(text, cacheKey)
  return cacheKey
}

function cacheKeyIn(scope: string, { text, history }: Question, collection: AskedCollection): CacheKey {
  const turns = history.length === 0 ? '' : JSON.stringify(history)
  // Line breaks separate safely: neither a digest nor a normalised question contains one.
  return {
    scope,
    key: `${keyPrefixOfCollection(collection.id)}${digest(`${scope}\n${normalised(text)}\n${turns}`)}`,
  }
}

/** Prefix of the keys of all answers of one collection, and of no others. */
export function keyPrefixOfCollection(collectionId: number): string {
  return `${collectionId}:`
}

interface PlainKeys {
  readonly scope: string
  /** By the question as typed. */
  readonly keys: LRUCache<string, CacheKey>
}

/** Keys of questions without filters and history, which are nearly all; computed once per state of a collection. */
const plainKeys = new WeakMap<AskedCollection, LRUCache<string, PlainKeys>>()
/** Bounded because callers may name any language. */
const maxPlainKeys = 50
const maxKeys = 1000
const maxKeyedLength = 200

interface Last {
  readonly question: Question
  readonly collection: AskedCollection
  readonly configHash: string
  readonly plain: PlainKeys
}

/** Consecutive questions mostly share these parameters; building and looking up the parameter string takes 0.5 µs. */
let last: Last | undefined

function plainKeysOf(question: Question, collection: AskedCollection, configHash: string): PlainKeys {
  if (last?.collection === collection && last.configHash === configHash && hasSameParameters(last.question, question))
    return last.plain
  const plain = cachedPlainKeys(question, collection, configHash)
  last = { question, collection, configHash, plain }
  return plain
}

function hasSameParameters(a: Question, b: Question): boolean {
  return a.mode === b.mode && a.topK === b.topK && a.language === b.language && a.tenant === b.tenant
}

function cachedPlainKeys(question: Question, collection: AskedCollection, configHash: string): PlainKeys {
  const { mode, topK, language, tenant } = question
  const name = `${mode} ${topK} ${language} ${configHash}${tenant === undefined ? '' : ` ${tenant}`}`
  let cached = plainKeys.get(collection)
  if (!cached) plainKeys.set(collection, (cached = new LRUCache({ max: maxPlainKeys })))
  let plain = cached.get(name)
  if (!plain)
    cached.set(
      name,
      (plain = { scope: scopeOf(question, collection, configHash), keys: new LRUCache({ max: maxKeys }) }),
    )
  return plain
}

function scopeOf(
  { tenant, mode, topK, language, filters }: Question,
  collection: AskedCollection,
  configHash: string,
): string {
  return digest(
    JSON.stringify([
      configHash,
      tenant ?? null,
      collection.id,
      collection.epoch,
      collection.epochMark,
      collection.calibration?.version ?? null,
      collection.abstention ? [collection.abstention.hopeless, collection.abstention.doubtful] : null,
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

/** Canonical form: the order of fields and of listed values makes no difference. */
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

/**
 * A mark that only ends the sentence, directly after a word. After a space it may be what the question is about: "the
 * operator !".
 */
const finalMark = /[\s?؟？]$|[\p{L}\p{N}\p{M}\p{Pe}\p{Pf}"'?؟？!.…。！;][!.…。！;]$/u

/**
 * Strips from the end, one mark at a time: a regular expression over all of them restarts at each mark and took 60 ms
 * for 4,000 marks before a letter.
 */
function withoutFinalMarks(text: string): string {
  let end = text.length
  // Three code units: a mark, preceded by a letter of up to two.
  while (end > 0 && finalMark.test(text.slice(Math.max(0, end - 3), end))) end -= 1
  return text.slice(0, end)
}

/** Unifies spellings of one question: Unicode form, case, whitespace and final marks make no difference. */
export function normalised(text: string): string {
  const composed = ascii.test(text) ? text : nfkc(text)
  return withoutFinalMarks(composed.toLowerCase().replace(/\s+/gu, ' ')).trim()
}
