import tap from 'tap'
import { analysisCacheSize, analyze, isStopWord, queryTerms } from '../../../src/text/analyze.ts'
import { sentences, cachedSegmenters } from '../../../src/text/sentences.ts'
import { canonicalQuestion } from '../../../src/text/canonical/canonical.ts'
import { createWordCache } from '../../../src/text/word-cache.ts'

const letters = 'abcdefghijklmnopqrstuvwxyz'
/** Every language that a question can name: two or three letters. */
const languages = [...letters].flatMap(a =>
  [...letters].flatMap(b => [a + b, ...[...letters].slice(0, 8).map(c => a + b + c)]),
)

tap.test('thousands of language names: what is kept is bounded over all of them', async t => {
  t.ok(languages.length > 6000)
  for (const language of languages) {
    const text = Array.from({ length: 30 }, (_, i) => `${language}word${i}`).join(' ')
    queryTerms(analyze(`The question of the day: ${text}?`, language))
    isStopWord('the', language)
    sentences('One. Two.', language)
    canonicalQuestion('What is it?', language)
  }
  const { words, stopLists } = analysisCacheSize()
  t.ok(words > 0 && words <= 40_000, `${words} words`)
  t.ok(stopLists <= 20, `${stopLists} lists of function words`)
  t.ok(cachedSegmenters() <= 32, `${cachedSegmenters()} segmenters`)
})

tap.test('a name without rules of its own is und, and shares what is remembered', async t => {
  for (const name of ['xx', 'qqq', 'zz', '', 'constructor', 'x'.repeat(1000)])
    t.equal(analyze('connection pools', name).language, 'und', name)
  for (const name of ['en', 'ru', 'kk', 'vi', 'th', 'bg', 'ja', 'uk', 'sr', 'PT-br'])
    t.equal(analyze('connection pools', name).language, name.slice(0, 2).toLowerCase())
  analyze('entirelynewword', 'xx')
  const before = analysisCacheSize().words
  analyze('entirelynewword', 'yy')
  t.equal(analysisCacheSize().words, before)
})

tap.test('what is used stays, what is not goes', async t => {
  const memory = createWordCache<number>(100)
  memory.set('en', 'often', 1)
  memory.set('en', 'once', 2)
  for (let i = 0; i < 1000; i++) {
    memory.set(`l${i % 7}`, `word${i}`, i)
    if (memory.size() > 100) t.fail('more is kept than may be')
    if (i % 20 === 0) t.equal(memory.get('en', 'often'), 1)
  }
  t.equal(memory.get('en', 'once'), undefined)
  t.equal(memory.get('ru', 'often'), undefined, 'another language is another word')
})
