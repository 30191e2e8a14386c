import { createWriteStream } from 'node:fs'
import { once } from 'node:events'
import type postgres from 'postgres'
import { analyze, isStopWord, queryTerms, type QueryTerm } from '../../src/text/analyze.ts'
import { chunksPerDocument, type Corpus } from './corpus.ts'
import { randomOf, type Random } from './random.ts'

/** A line of the file of questions. */
export interface Question {
  readonly question: string
  readonly terms: readonly QueryTerm[]
  /** Number of the chunk whose words it uses, from 0; the row's id is one more. */
  readonly chunk: number
  /** Whether one of its words is misspelt, as in one question of twenty. */
  readonly hasTypo: boolean
  readonly vector: readonly number[]
}

const openings = [
  'how does',
  'how do I',
  'what is the',
  'which',
  'when is the',
  'why does the',
  'where can I find',
  'is there a',
  'can the',
  'what happens to the',
]
const joints = ['', '', ' of the', ' for', ' in a', ' with the', ' and', ' to', ' from', ' that is']
const misspelt = 0.05

/** Questions about random chunks, in their words: one or two rare, two or three middling, one or two common, and function words between. */
export async function writeQuestions(
  sql: postgres.Sql,
  collectionId: number,
  corpus: Corpus,
  { count, file }: { readonly count: number; readonly file: string },
): Promise<void> {
  const stream = createWriteStream(file)
  for (let number = 0; number < count; number++) {
    const line = `${JSON.stringify(await questionOf(sql, collectionId, corpus, number))}\n`
    if (!stream.write(line)) await once(stream, 'drain')
  }
  stream.end()
  await once(stream, 'finish')
}

async function questionOf(sql: postgres.Sql, collectionId: number, corpus: Corpus, number: number): Promise<Question> {
  const random = randomOf(7, number)
  const chunk = random.below(corpus.chunkCount)
  const { text } = corpus.document(Math.floor(chunk / chunksPerDocument)).chunks[chunk % chunksPerDocument]!
  const classes = await wordsByFrequency(sql, collectionId, text, corpus.chunkCount)
  const wanted = { rare: 1 + random.below(2), middling: 2 + random.below(2), common: 1 + random.below(2) }
  const words = [
    ...taken(classes.rare, wanted.rare, random),
    ...taken(classes.middling, wanted.middling, random),
    ...taken(classes.common, wanted.common, random),
  ]
  const hasTypo = random.next() < misspelt
  if (hasTypo) words[0] = mistyped(words[0] ?? 'question', random)
  const question = asked(words, random)
  const vector = Array.from(corpus.questionVector(chunk, number), value => Number(value.toFixed(5)))
  return { question, terms: queryTerms(analyze(question, 'en')), chunk, hasTypo, vector }
}

interface Classes {
  readonly rare: string[]
  readonly middling: string[]
  readonly common: string[]
}

/** Rare: in less than a thousandth of the chunks; common: in more than three of a hundred. */
async function wordsByFrequency(
  sql: postgres.Sql,
  collectionId: number,
  text: string,
  chunkCount: number,
): Promise<Classes> {
  const surfaces = new Map(contentWords(text))
  const rows = await sql<{ term: string; chunk_count: number }[]>`
    select term, chunk_count from collection_terms where collection_id = ${collectionId} and term = any(${[...surfaces.keys()]}::text[]) order by term`
  const between = (from: number, to: number) =>
    rows
      .filter(row => row.chunk_count >= from * chunkCount && row.chunk_count < to * chunkCount)
      .map(row => surfaces.get(row.term)!)
  return { rare: between(0, 0.001), middling: between(0.001, 0.03), common: between(0.03, 1.01) }
}

/** Term and surface form. */
function contentWords(text: string): [string, string][] {
  return text
    .split(/\s+/)
    .map(word => word.replace(/[.,;:]$/, ''))
    .filter(word => /^\p{L}{3,}$/u.test(word))
    .flatMap(word => {
      const { terms } = analyze(word, 'en')
      return terms.length === 1 && !isStopWord(terms[0]!, 'en') ? [[terms[0]!, word]] : []
    })
}

function taken(words: readonly string[], count: number, random: Random): string[] {
  const left = [...words]
  return Array.from({ length: Math.min(count, left.length) }, () => left.splice(random.below(left.length), 1)[0]!)
}

function asked(words: readonly string[], random: Random): string {
  const order = taken(words, words.length, random)
  return `${random.pick(openings)} ${order.map((word, i) => (i < order.length - 1 ? word + random.pick(joints) : word)).join(' ')}?`
}

/** Two neighbouring letters exchanged. */
function mistyped(word: string, random: Random): string {
  const at = 1 + random.below(Math.max(1, word.length - 2))
  return word.slice(0, at) + (word[at + 1] ?? '') + (word[at] ?? '') + word.slice(at + 2)
}
