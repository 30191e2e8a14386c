import { contentHash, documentId } from '../../src/ingest/prepare.ts'
import type { Sentence } from './base-text.ts'
import { pseudoWord, rankAt, type Word } from './pseudo-words.ts'
import { randomOf, scramble, type Random } from './random.ts'
import { createVectors, type Place } from './vectors.ts'
import type { PreparedChunk, PreparedDocument } from '../../src/ingest/terms.ts'

export const chunksPerDocument = 10
const chunksPerSubtopic = 100
const subtopicsPerTopic = 50

/** Share of the content words that become pseudo-words, and of these the share that the subtopic has for its own. */
const exchanged = 0.35
const topical = 0.5

const shortest = 100
const longest = 200

export type Corpus = ReturnType<typeof createCorpus>

/**
 * A collection that can be made again, document by document: sentences of two real paragraphs in any order, a third
 * of their content words exchanged for words whose frequencies follow those of a real collection of its size.
 */
export function createCorpus(paragraphs: readonly Sentence[][], chunkCount: number, seed = 1) {
  const vectors = createVectors(seed)
  const subtopics = Math.max(1, Math.round(chunkCount / chunksPerSubtopic))
  const documentCount = Math.ceil(chunkCount / chunksPerDocument)

  /** Some subtopics are ten times as large as others. */
  function placeOf(document: number): Place {
    const subtopic = Math.floor(subtopics * randomOf(seed, 10, document).next() ** 1.5)
    return { document, subtopic, topic: Math.floor(subtopic / subtopicsPerTopic) }
  }

  /** Without vectors. */
  function document(number: number): PreparedDocument {
    const random = randomOf(seed, 11, number)
    const place = placeOf(number)
    const heading = [topicWord(place.subtopic, 0), topicWord(place.subtopic, 1 + random.below(20))]
    const drafts = Array.from({ length: Math.min(chunksPerDocument, chunkCount - number * chunksPerDocument) }, () =>
      chunkWords(random, place.subtopic),
    )
    const source = `bench/${number}.txt`
    const metadata = { topic: place.topic % 20, year: 2015 + random.below(11) }
    const text = drafts.map(textOf).join('\n\n')
    const described = { source, title: textOf(heading), url: null, language: 'en', metadata, text }
    return {
      ...described,
      id: documentId('bench', source),
      hash: contentHash({ ...described, sections: [] }),
      chunks: withOffsets(drafts, heading, place.subtopic, random),
    }
  }

  /** Two paragraphs' sentences shuffled, and two more if that is too short. */
  function chunkWords(random: Random, subtopic: number): Word[] {
    const wanted = shortest + random.below(longest - shortest)
    const words: Word[] = []
    while (words.length < wanted) {
      const sentences = shuffled([...random.pick(paragraphs), ...random.pick(paragraphs)], random)
      for (let i = 0; i < sentences.length && words.length < wanted; i++)
        words.push(...varied(sentences[i]!, random, subtopic))
    }
    return words
  }

  /** The vectors of a document's chunks, in order. */
  function vectorsOf(number: number): Float32Array[] {
    const place = placeOf(number)
    const first = number * chunksPerDocument
    const count = Math.min(chunksPerDocument, chunkCount - first)
    return Array.from({ length: count }, (_, i) => vectors.ofChunk(place, first + i))
  }

  function questionVector(chunk: number, question: number): Float32Array {
    return vectors.ofQuestion(vectors.ofChunk(placeOf(Math.floor(chunk / chunksPerDocument)), chunk), question)
  }

  return { chunkCount, documentCount, document, vectorsOf, questionVector }
}

function varied(sentence: Sentence, random: Random, subtopic: number): Word[] {
  return sentence.map(word => {
    if (!word.isContent || random.next() > exchanged) return word
    return random.next() < topical
      ? topicWord(subtopic, Math.floor(15 * (1 / (1 - random.next()) - 1)))
      : pseudoWord(rankAt(random.next()))
  })
}

function shuffled<T>(items: T[], random: Random): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const other = random.below(i + 1)
    ;[items[i], items[other]] = [items[other]!, items[i]!]
  }
  return items
}

/** The n-th favourite word of a subtopic: any word of the language, the frequent ones more likely. */
function topicWord(subtopic: number, n: number): Word {
  return pseudoWord(rankAt(scramble(scramble(subtopic + 1) ^ Math.min(n, 1000)) / 2 ** 32))
}

function textOf(words: readonly Word[]): string {
  return words.map(word => word.surface).join(' ')
}

function withOffsets(
  drafts: readonly Word[][],
  heading: readonly Word[],
  subtopic: number,
  random: Random,
): PreparedChunk[] {
  let start = 0
  return drafts.map((words, ordinal) => {
    const text = textOf(words)
    const title = [...heading, topicWord(subtopic, random.below(40)), pseudoWord(rankAt(random.next()))]
    const terms = [...title, ...title, ...words].flatMap(word => word.terms)
    const [from, end] = [start, start + text.length]
    start = end + 2
    const rest = { anchor: null, page: null, language: 'en', tokens: Math.round(words.length * 1.35), vectors: [] }
    return {
      ...rest,
      ordinal,
      start: from,
      end,
      title: `${textOf(heading)} › ${textOf(title.slice(heading.length))}`,
      text,
      terms,
      length: terms.length,
    }
  })
}
