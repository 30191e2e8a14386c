import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { demoFiles } from '../../src/commands/demo-corpus.ts'
import { readFound } from '../../src/ingest/read.ts'
import { analyze, isStopWord } from '../../src/text/analyze.ts'
import type { Word } from './pseudo-words.ts'

export interface BaseWord extends Word {
  /** One plain word with one meaning to search for; such words are exchanged for others. */
  readonly isContent: boolean
}

export type Sentence = readonly BaseWord[]

/** Real English paragraphs as sentences of analysed words: what the synthetic chunks are mixed from. */
export async function readBaseText(folders: readonly string[]): Promise<Sentence[][]> {
  const paragraphs = [...(await manuals()), ...folders.flatMap(corpus)]
  return paragraphs.map(sentencesOf).filter(sentences => sentences.length > 1)
}

async function manuals(): Promise<string[]> {
  const paragraphs: string[] = []
  for (const { found, options } of await demoFiles()) {
    for (const file of found) {
      if ('fault' in file) continue
      for await (const result of readFound({ ...file, options })) {
        if ('document' in result) paragraphs.push(...result.document.text.split(/\n{2,}/).filter(isProse))
      }
    }
  }
  return paragraphs
}

/** Code blocks and tables repeat the same few words. */
function isProse(paragraph: string): boolean {
  return paragraph.length > 150 && (paragraph.match(/[^\w\s.,'"()-]/g) ?? []).length < paragraph.length / 25
}

function corpus(folder: string): string[] {
  const file = join(folder, 'corpus.jsonl')
  if (!existsSync(file)) {
    process.stderr.write(`no ${file}: the corpus is mixed from less text\n`)
    return []
  }
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map(line => (JSON.parse(line) as { text: string }).text)
}

const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' })

function sentencesOf(paragraph: string): Sentence[] {
  // Cranfield is all in small letters, with a space before the full stop: no rule finds its sentences.
  const sentences = paragraph
    .split(/(?<= \.) /)
    .flatMap(part => Array.from(segmenter.segment(part), ({ segment }) => segment.trim()))
  return sentences
    .map(sentence => sentence.split(/\s+/).map(wordOf))
    .filter(isWhole)
    .filter(words => words.length > 3 && words.length < 60)
}

function wordOf(surface: string): BaseWord {
  const { terms } = analyze(surface, 'en')
  const isPlain = /^\p{L}{3,}[.,;:]?$/u.test(surface) && terms.length === 1
  return { surface, terms, isContent: isPlain && !isStopWord(terms[0]!, 'en') }
}

/** Analysed word by word it gives what it gives as a whole (not so where a space joins digits). */
function isWhole(words: Sentence): boolean {
  const whole = analyze(words.map(word => word.surface).join(' '), 'en').terms
  return whole.join(' ') === words.flatMap(word => word.terms).join(' ')
}
