import { nfc } from '../../../text/normal-form.ts'
import chardet from 'chardet'
import { stopWords } from '../../../text/stop-words.ts'
import { canonicalName, decodedWith } from './decoders.ts'

/** An encoding that bytes without a declaration are probably in. */
export interface Detected {
  readonly name: string
  /** Whether it is certain enough to read the file. */
  readonly isCertain: boolean
}

/** Minimum confidence of chardet, which is seldom above 50 for a paragraph and about 10 for a wrong guess. */
const certainConfidence = 20
/** Enough if the next encoding that fits has at most half. */
const fairConfidence = 10
/** Multi-byte encodings have a structure of their own, and chardet is sure of them. */
const certainMultiByte = 50
/** A few bytes fit many encodings. Latin letters and signs are the same in most western ones. */
const leastBytes = 8
const leastLatinBytes = 2
/** Share of words that may look wrong, such as names with signs in them. */
const toleratedShare = 0.1

/** The encoding of bytes that are not UTF-8, or null if nothing fits. */
export function detectEncoding(bytes: Uint8Array): Detected | null {
  const sample = foreignLines(bytes)
  const high = sample.reduce((sum, byte) => sum + (byte >= 0x80 ? 1 : 0), 0)
  const guesses = chardet.analyse(sample).flatMap(({ name, confidence }) => {
    const encoding = canonicalName(name)
    return encoding === null || encoding === 'utf-8' || encoding.startsWith('utf-') ? [] : [{ encoding, confidence }]
  })
  const fitting = guesses.filter(({ encoding }) => looksRight(sample, encoding))
  const best = fitting[0]
  const next = fitting.find(({ encoding }) => encoding !== best?.encoding)?.confidence ?? 0
  if (best !== undefined && isCertain(best, next, high)) return { name: best.encoding, isCertain: true }
  const other = high >= leastBytes ? bestRare(sample) : null
  if (other !== null) return { name: other, isCertain: true }
  const likely = best ?? guesses[0]
  return likely === undefined || likely.confidence < 10 ? null : { name: likely.encoding, isCertain: false }
}

/** The lines that have more than ASCII: names of columns and tags in plain letters say nothing about the encoding. */
function foreignLines(bytes: Uint8Array): Uint8Array {
  const lines: Uint8Array[] = []
  for (let from = 0; from < bytes.length;) {
    const found = bytes.indexOf(0x0a, from)
    const end = found === -1 ? bytes.length : found + 1
    const line = bytes.subarray(from, end)
    if (line.some(byte => byte >= 0x80)) lines.push(line)
    from = end
  }
  return Buffer.concat(lines)
}

type Guess = { readonly encoding: string; readonly confidence: number }

function isCertain({ encoding, confidence }: Guess, next: number, high: number): boolean {
  if (/^(?:gb|big5|shift_jis|euc-|iso-2022)/.test(encoding)) return confidence >= certainMultiByte && high >= leastBytes
  const isAhead = confidence >= certainConfidence || (confidence >= fairConfidence && confidence >= 2 * next)
  return isAhead && high >= (isLatin(encoding) ? leastLatinBytes : leastBytes)
}

function isLatin(encoding: string): boolean {
  return /^(?:windows-125[024]|iso-8859-(?:2|10|15))$/.test(encoding)
}

const leastFit = 0.85

/** Encodings that chardet does not know, or takes for others, with how well a text fits their language. */
const rareEncodings: readonly { readonly name: string; readonly fit: (text: string) => number }[] = [
  { name: 'rk1048', fit: text => (share(text, /[әқң]/giu) > 0.02 ? share(text, /[а-яёәғқңөұүһі]/giu) : 0) },
  { name: 'viscii', fit: vietnameseFit },
  { name: 'tcvn', fit: vietnameseFit },
  { name: 'ibm866', fit: text => share(text, /[а-яё]/giu) },
]

function bestRare(sample: Uint8Array): string | null {
  let best: { readonly name: string; readonly fit: number } | null = null
  for (const { name, fit: fitOf } of rareEncodings) {
    const text = decodedWith(name, sample)
    const fit = text === null || !looksRight(sample, name) ? 0 : fitOf(text)
    if (fit >= leastFit && fit > (best?.fit ?? 0)) best = { name, fit }
  }
  return best?.name ?? null
}

const common = new Set(stopWords('vi'))
const syllable = /^(?:ngh?|[gk]h|tr|th|ph|nh|ch|qu|gi|[bcdđghklmnprstvx])?[aeiouyăâêôơư]{1,3}(?:ng|nh|ch|[cmnpt])?$/

/**
 * Vietnamese is written in syllables of one form, so that most other code pages show in nearly every word. Of its own
 * two, the right one has frequent words.
 */
function vietnameseFit(text: string): number {
  const words =
    nfc(text)
      .toLowerCase()
      .match(/\p{L}+/gu) ?? []
  const shareOf = (test: (word: string) => boolean) => words.filter(test).length / Math.max(1, words.length)
  const frequent = shareOf(word => /[^\0-\x7f]/.test(word) && common.has(word))
  return frequent > 0 && shareOf(word => syllable.test(withoutTones(word))) >= leastFit ? leastFit + frequent : 0
}

function withoutTones(word: string): string {
  return nfc(word.normalize('NFD').replace(/[\u0300\u0301\u0303\u0309\u0323]/g, ''))
}

/** Share of the characters beyond ASCII that match. */
function share(text: string, pattern: RegExp): number {
  const foreign = text.match(/[^\0-\x7f]/gu)?.length ?? 0
  return foreign === 0 ? 0 : (text.match(pattern)?.length ?? 0) / foreign
}

/** Scripts that no word mixes. */
const scripts = [
  /\p{Script=Latin}/u,
  /\p{Script=Cyrillic}/u,
  /\p{Script=Greek}/u,
  /\p{Script=Hebrew}/u,
  /\p{Script=Arabic}/u,
]

/**
 * Whether the text reads as words under this encoding: without control characters, signs within words, capitals after
 * small letters, or two scripts in one word.
 */
function looksRight(sample: Uint8Array, encoding: string): boolean {
  const decoded = decodedWith(encoding, sample)
  if (decoded === null) return false
  const text = nfc(decoded)
  if (/[\x80-\x9f\ue000-\uf8ff]/.test(text)) return false
  const words = text.match(/\S*[^\s\0-\x7f]\S*/gu) ?? []
  const wrong = words.filter(word => isWrongWord(word) || (isLatin(encoding) && isForeign(word))).length
  return words.length > 0 && wrong <= words.length * toleratedShare
}

function isWrongWord(word: string): boolean {
  if (/\p{Ll}\p{M}*(?![\0-\x7f])\p{Lu}|(?![\0-\x7f])\p{Ll}\p{M}*\p{Lu}/u.test(word)) return true
  if (/\p{L}[^\p{L}\p{M}\p{Nd}\0-\x7f’‘“”–—…«»·°€£´、。，！？：；・「」（）]+\p{L}/u.test(word)) return true
  return (word.match(/[\p{L}\p{M}]+/gu) ?? []).some(part => scripts.filter(script => script.test(part)).length > 1)
}

/** Latin languages have no longer words of letters with marks only. */
function isForeign(word: string): boolean {
  return (word.match(/[\p{L}\p{M}]+/gu) ?? []).some(part => /^[^\0-\x7f]{3,}$/.test(part))
}
