import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { cleanText } from '../ingest/readers/clean-text.ts'
import { documentOf } from '../ingest/readers/content.ts'
import type { SourceDocument } from '../ingest/terms.ts'
import { createFaults, jsonRows, qrelsRows, type Faults, type JsonRow } from './set-rows.ts'
import { isRelevant, type Judged } from './metrics.ts'

export interface JudgedQuestion {
  readonly id: string
  readonly text: string
  /** As the set states it, or undefined if it does not. */
  readonly language: string | undefined
  /** Empty when nothing in the corpus answers it. */
  readonly judged: Judged
  readonly isAnswerable: boolean
}

/** The questions of one file: as asked, or with one kind of error added (`queries.typo.jsonl`). */
export interface Variant {
  /** `<set>`, or `<set>/<variant>` for `queries.<variant>.jsonl`. */
  readonly name: string
  readonly questions: readonly JudgedQuestion[]
}

export interface EvalSet {
  /** The folder's name. */
  readonly name: string
  readonly folder: string
  /** The source of a document is its id in the corpus. */
  readonly documents: readonly SourceDocument[]
  /** The plain variant comes first. */
  readonly variants: readonly Variant[]
}

/**
 * Reads a folder with `corpus.jsonl` {id, title?, text, lang?}, `queries.jsonl` and any `queries.<variant>.jsonl`
 * {id, text, lang?}, and `qrels.tsv` (question, document, grade; or the four columns of TREC). Rejects with the file
 * and line of every error.
 */
export async function readSet(folder: string): Promise<EvalSet> {
  const faults = createFaults()
  const name = basename(resolve(folder))
  const files = await filesOf(folder)
  const documents = await readCorpus(join(folder, 'corpus.jsonl'), faults)
  const rows = await Promise.all(
    files.map(async file => ({ file, rows: await readQuestions(join(folder, file), faults) })),
  )
  const known = {
    documents: new Set(documents.map(each => each.source)),
    questions: new Set(rows.flatMap(each => each.rows.map(row => row.id))),
  }
  const judgements = await readJudgements(join(folder, 'qrels.tsv'), known, faults)
  faults.throwIfAny()
  return {
    name,
    folder,
    documents,
    variants: rows.map(({ file, rows: asked }) => ({
      name: variantName(name, file),
      questions: asked.map(row => questionOf(row, judgements)),
    })),
  }
}

/** `queries.jsonl` first, then its variants by name. */
async function filesOf(folder: string): Promise<string[]> {
  for (const file of ['corpus.jsonl', 'queries.jsonl', 'qrels.tsv']) {
    if (!existsSync(join(folder, file)))
      throw new Error(
        `${join(folder, file)}: file not found; a set is a folder with corpus.jsonl, queries.jsonl and qrels.tsv`,
      )
  }
  const variants = (await readdir(folder)).filter(file => /^queries\.[\w-]+\.jsonl$/.test(file)).sort()
  return ['queries.jsonl', ...variants]
}

function variantName(set: string, file: string): string {
  const [, variant] = /^queries\.([\w-]+)\.jsonl$/.exec(file) ?? []
  return variant === undefined ? set : `${set}/${variant}`
}

export async function readCorpus(path: string, faults: Faults): Promise<SourceDocument[]> {
  const documents: SourceDocument[] = []
  for await (const row of jsonRows(path, faults)) {
    const content = {
      blocks: [{ kind: 'text', text: cleanText(row.text).trim() } as const],
      title: row.title,
      language: row.language,
    }
    const document = documentOf(content, { source: row.id, fallbackTitle: '' })
    if (document.source === row.id) documents.push(document)
    else faults.add(path, row.line, 'has an id with invisible characters')
  }
  return documents
}

async function readQuestions(path: string, faults: Faults): Promise<JsonRow[]> {
  const rows = await Array.fromAsync(jsonRows(path, faults))
  if (rows.length === 0) faults.add(path, undefined, 'has no questions')
  return rows
}

interface Known {
  readonly documents: ReadonlySet<string>
  readonly questions: ReadonlySet<string>
}

export async function readJudgements(
  path: string,
  known: Known,
  faults: Faults,
): Promise<Map<string, Map<string, number>>> {
  const judgements = new Map<string, Map<string, number>>()
  for await (const { line, question, document, grade } of qrelsRows(path, faults)) {
    if (!known.questions.has(question))
      faults.add(path, line, `names the question "${question}", which is in no queries file`)
    else if (!known.documents.has(document))
      faults.add(path, line, `names the document "${document}", which is not in corpus.jsonl`)
    else judgements.set(question, (judgements.get(question) ?? new Map<string, number>()).set(document, grade))
  }
  return judgements
}

function questionOf({ id, text, language }: JsonRow, judgements: ReadonlyMap<string, Judged>): JudgedQuestion {
  const judged = judgements.get(id) ?? new Map<string, number>()
  return { id, text, language, judged, isAnswerable: [...judged.values()].some(isRelevant) }
}
