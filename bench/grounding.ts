/**
 * How long the check of a draft takes, by words alone: five passages of the README and guides of this repository (about
 * 1,500 tokens), and drafts of four of their sentences.
 *
 *   node bench/grounding.ts
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createGrounder } from '../src/ask/grounding/ground.ts'
import type { Passage } from '../src/ask/terms/passage.ts'
import { sentences } from '../src/text/sentences.ts'

const files = ['answers.md', 'caching.md', 'loading.md', 'searching.md', 'production.md', 'reranking.md', 'postgres.md']
const passageCharacters = 1200
const shown = 5
const rounds = 40

const chunks = files.flatMap(file => {
  const text = readFileSync(join(import.meta.dirname, '../docs/guides', file), 'utf8')
  return Array.from({ length: Math.floor(text.length / passageCharacters) }, (_, i) =>
    passageOf(`${file}.${i}`, text.slice(i * passageCharacters, (i + 1) * passageCharacters)),
  )
})

function passageOf(id: string, text: string): Passage {
  const scores = { lexical: null, lexicalRank: null, vector: null, vectorRank: null, fused: 0.5, coverage: 1 }
  const place = { source: id, title: id, url: null, page: null, start: 0, end: text.length }
  return { chunkId: id, documentId: id, version: 1, language: 'en', text, metadata: {}, windows: [], scores, ...place }
}

interface Times {
  /** To read the passages, which happens while the model reads its prompt. */
  readonly passages: number
  /** Until the first sentence was checked. */
  readonly first: number
  readonly whole: number
}

async function timeOne(round: number): Promise<Times> {
  const passages = Array.from({ length: shown }, (_, i) => chunks[(round * shown + i) % chunks.length]!)
  const spans = sentences(passages[1]!.text, 'en').slice(1, 5)
  const draft = spans.map(({ start, end }) => `${passages[1]!.text.slice(start, end)} `)
  const grounder = createGrounder({ passages, question: 'How are cached answers found and kept?', language: 'en' })
  const readAt = performance.now()
  grounder.prepare()
  const startedAt = performance.now()
  let first = 0
  for (const sentence of draft) {
    await grounder.push(sentence)
    if (first === 0 && grounder.soFar().keptCount + grounder.soFar().dropped.length > 0)
      first = performance.now() - startedAt
  }
  await grounder.end()
  return { passages: startedAt - readAt, first, whole: performance.now() - startedAt }
}

const times: Times[] = []
for (let round = 0; round < rounds * 2; round++) {
  const each = await timeOne(round)
  // The first half warms up the compiler and the cache of words.
  if (round >= rounds) times.push(each)
}
const names = { passages: 'reading the passages', first: 'to the first sentence', whole: 'whole draft' } as const
for (const name of ['passages', 'first', 'whole'] as const) {
  const sorted = times.map(each => each[name]).sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor(sorted.length * share)]!.toFixed(2)
  console.log(`${names[name]}: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms`)
}
