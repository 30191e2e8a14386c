import { existsSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import type { Turn } from '../../ask/terms/question.ts'
import { isRelevant, type Judged } from '../metrics.ts'
import { createFaults, filled, jsonRows, objectRows, type Faults, type Fields, type JsonRow } from '../set-rows.ts'
import { readCorpus, readJudgements } from '../set.ts'
import type { AnswerQuestion, AnswerSet } from './terms.ts'

/**
 * Reads a set with answers, in one of two forms. Rejects with the file and line of every error.
 *
 * - `corpus.jsonl`, `queries.jsonl` with `kind`, `answerable` and `history` where they apply, `qrels.tsv`, and
 *   `answers.jsonl` {id, answers} if there are gold answers (else `../answers/<set>/answers.jsonl`, or the field
 *   `answer` of a question).
 * - `docs.jsonl` or a folder `docs`, `questions.jsonl` and, if there is one, `extra.jsonl`: {question, answerable,
 *   expect_source, expect_text, kind, lang, history}.
 */
export async function readAnswerSet(folder: string): Promise<AnswerSet> {
  if (existsSync(join(folder, 'queries.jsonl'))) return await readJudged(folder)
  if (existsSync(join(folder, 'questions.jsonl'))) return await readSmall(folder)
  throw new Error(
    `${join(folder, 'queries.jsonl')}: file not found; a set is a folder with corpus.jsonl, queries.jsonl and qrels.tsv, or with docs and questions.jsonl`,
  )
}

async function readJudged(folder: string): Promise<AnswerSet> {
  needFiles(folder, ['corpus.jsonl', 'qrels.tsv'])
  const faults = createFaults()
  const name = basename(resolve(folder))
  const documents = await readCorpus(join(folder, 'corpus.jsonl'), faults)
  const path = join(folder, 'queries.jsonl')
  const rows = await Array.fromAsync(jsonRows(path, faults))
  const known = { documents: new Set(documents.map(each => each.source)), questions: new Set(rows.map(row => row.id)) }
  const judgements = await readJudgements(join(folder, 'qrels.tsv'), known, faults)
  const answers = await readAnswers(folder, faults)
  const questions = rows.map(row => judgedQuestion(row, { judgements, answers, path, faults }))
  if (rows.length === 0) faults.add(path, undefined, 'has no questions')
  faults.throwIfAny()
  return { name, folder, form: 'judged', corpus: { documents }, questions }
}

interface Known {
  readonly judgements: ReadonlyMap<string, Judged>
  readonly answers: ReadonlyMap<string, readonly string[]>
  readonly path: string
  readonly faults: Faults
}

function judgedQuestion(row: JsonRow, { judgements, answers, path, faults }: Known): AnswerQuestion {
  const { id, text, language, fields, line } = row
  const judged: Judged = judgements.get(id) ?? new Map<string, number>()
  const stated = fields['answerable']
  const isAnswerable = stated === undefined ? [...judged.values()].some(isRelevant) : stated
  const add = (reason: string) => faults.add(path, line, reason)
  if (isAnswerable !== null && typeof isAnswerable !== 'boolean') add('"answerable" must be true, false or null')
  const own = filled(fields['answer'])
  return {
    id,
    text,
    language,
    history: historyOf(fields, add),
    kind: kindOf(fields, isAnswerable, add),
    isAnswerable: typeof isAnswerable === 'boolean' ? isAnswerable : null,
    expected: { by: 'judgements', judged, answers: answers.get(id) ?? (own === undefined ? [] : [own]) },
    variant: null,
  }
}

/** Gold answers by question. Rows for questions of other variants are ignored, because a file may serve several sets. */
async function readAnswers(folder: string, faults: Faults): Promise<Map<string, readonly string[]>> {
  const beside = join(dirname(resolve(folder)), 'answers', basename(resolve(folder)), 'answers.jsonl')
  const path = [join(folder, 'answers.jsonl'), beside].find(each => existsSync(each))
  const answers = new Map<string, readonly string[]>()
  if (path === undefined) return answers
  for await (const { line, fields } of objectRows(path, faults)) {
    const { id, answers: golds } = fields
    if (typeof id !== 'string' && typeof id !== 'number') faults.add(path, line, '"id" must be text or a number')
    else if (!areTexts(golds)) faults.add(path, line, '"answers" must be a list of texts')
    else answers.set(String(id), golds)
  }
  return answers
}

async function readSmall(folder: string): Promise<AnswerSet> {
  const name = basename(resolve(folder))
  const files = ['docs.jsonl', 'docs'].map(file => join(folder, file)).find(path => existsSync(path))
  if (files === undefined)
    throw new Error(`${join(folder, 'docs.jsonl')}: file not found; the documents are in docs.jsonl or a folder "docs"`)
  const faults = createFaults()
  const questions: AnswerQuestion[] = []
  for (const file of ['questions.jsonl', 'extra.jsonl'].filter(each => existsSync(join(folder, each))))
    questions.push(...(await readSmallQuestions(join(folder, file), faults)))
  if (questions.length === 0) faults.add(join(folder, 'questions.jsonl'), undefined, 'has no questions')
  faults.throwIfAny()
  return { name, folder, form: 'small', corpus: { files }, questions }
}

async function readSmallQuestions(path: string, faults: Faults): Promise<AnswerQuestion[]> {
  const questions: AnswerQuestion[] = []
  for await (const { line, fields } of objectRows(path, faults)) {
    const add = (reason: string) => faults.add(path, line, reason)
    const text = filled(fields['question'])
    if (text === undefined) add('"question" must be non-empty text')
    const { answerable, expect_source: sources = [], expect_text: texts = [] } = fields
    if (answerable !== null && typeof answerable !== 'boolean') add('"answerable" must be true, false or null')
    if (!areTexts(sources)) add('"expect_source" must be a list of texts')
    if (!areTexts(texts)) add('"expect_text" must be a list of texts')
    questions.push({
      id: `${basename(path, '.jsonl')}-${line}`,
      text: text ?? '',
      language: filled(fields['lang']),
      history: historyOf(fields, add),
      kind: kindOf(fields, answerable, add),
      isAnswerable: typeof answerable === 'boolean' ? answerable : null,
      expected: {
        by: 'texts',
        sources: areTexts(sources) ? sources : [],
        texts: areTexts(texts) ? texts : [],
      },
      variant: basename(path) === 'questions.jsonl' ? null : basename(path, '.jsonl'),
    })
  }
  return questions
}

function kindOf({ kind }: Fields, isAnswerable: unknown, add: (reason: string) => void): string {
  if (kind !== undefined && filled(kind) === undefined) add('"kind" must be non-empty text')
  return filled(kind) ?? (isAnswerable === true ? 'answerable' : 'unanswerable')
}

function historyOf({ history }: Fields, add: (reason: string) => void): readonly Turn[] {
  if (history === undefined || history === null) return []
  if (Array.isArray(history) && history.every(isTurn)) return history.filter(turn => turn.content.trim() !== '')
  add('"history" must be a list of {"role": "user" or "assistant", "content": text}')
  return []
}

function isTurn(value: unknown): value is Turn {
  const { role, content } = (value ?? {}) as Partial<Turn>
  return (role === 'user' || role === 'assistant') && typeof content === 'string'
}

function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(each => typeof each === 'string')
}

function needFiles(folder: string, files: readonly string[]): void {
  for (const file of files) {
    if (!existsSync(join(folder, file)))
      throw new Error(
        `${join(folder, file)}: file not found; a set is a folder with corpus.jsonl, queries.jsonl and qrels.tsv`,
      )
  }
}
