/**
 * Asks the questions of small corpora three times: quoted, written by a language model that nobody checks, and written by
 * it and checked. Prints how many answerable questions are answered right and how many of the others are answered at all.
 *
 *   OPENAI_BASE_URL=http://127.0.0.1:8701/v1 CHAT_MODEL=smollm2 npm run eval:drafts [-- FOLDER…]
 *
 * A FOLDER has documents and `questions.jsonl`, as `askwell eval --answers` reads it; default: `users/manual` and
 * `users/short` of EVAL_SETS (../shared/eval next to the checkout).
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import type { AnswersMeasured } from '../../src/eval/answers/measure.ts'

const checkout = join(import.meta.dirname, '../..')
const { positionals } = parseArgs({ allowPositionals: true })
const sets = process.env['EVAL_SETS'] ?? join(checkout, '../shared/eval')
const folders = positionals.length > 0 ? positionals : ['users/manual', 'users/short'].map(name => join(sets, name))

/** A model on a busy machine may take minutes; a question that it did not answer in time would stop the evaluation. */
const time = { REQUEST_TIMEOUT_MS: process.env['REQUEST_TIMEOUT_MS'] ?? '600000' }
const model = { OPENAI_BASE_URL: process.env['OPENAI_BASE_URL'], CHAT_MODEL: process.env['CHAT_MODEL'] }
const missing = folders.find(folder => !existsSync(folder))

if (missing !== undefined) console.log(`left out: there is no folder ${missing}`)
else if (!model.OPENAI_BASE_URL || !model.CHAT_MODEL)
  console.log('left out: OPENAI_BASE_URL and CHAT_MODEL name no language model')
else await compare()

async function compare(): Promise<void> {
  // The embeddings are made here, so that all three find the same passages.
  const settings = { EMBEDDING_MODEL: 'local', ANSWER_CACHE_SECONDS: '0', LOG_LEVEL: 'error', ...time }
  console.log('| | right | false |\n|---|---|---|')
  await measure('quotations, without a language model', { ...settings, CHAT_MODEL: 'none', OPENAI_BASE_URL: '' })
  await measure('the model, not checked', { ...settings, ...model, GROUNDING: 'off' })
  await measure('the model, checked', { ...settings, ...model, GROUNDING: 'standard' })
}

async function measure(title: string, settings: NodeJS.ProcessEnv): Promise<void> {
  const set = Object.entries(settings).filter(([, value]) => value !== '')
  const { OPENAI_BASE_URL: _url, OPENAI_API_KEY: _key, ...rest } = process.env
  const child = spawn(process.execPath, [join(checkout, 'src/cli.ts'), '--json', 'eval', '--answers', ...folders], {
    env: { ...rest, ...Object.fromEntries(set) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close')])
  if (code !== 0) throw new Error(`askwell eval stopped with exit code ${code}`)
  const { sets: measured } = JSON.parse(output) as { readonly sets: readonly AnswersMeasured[] }
  const { right, of, wrong, ofOther } = totals(measured.filter(each => folders.some(folder => isOf(each.name, folder))))
  console.log(`| ${title} | ${right} of ${of} | ${wrong} of ${ofOther} |`)
}

/** The figures of a folder and of its further questions (`manual/extra`), without those of all sets together. */
function isOf(name: string, folder: string): boolean {
  return name.split('/')[0] === folder.replace(/\/+$/, '').split('/').at(-1)
}

function totals(measured: readonly AnswersMeasured[]) {
  const sum = (valueOf: (each: AnswersMeasured) => number) => measured.reduce((total, each) => total + valueOf(each), 0)
  return {
    right: sum(({ all }) => all.answerable.right.count),
    of: sum(({ all }) => all.answerable.questions),
    wrong: sum(({ all }) => all.unanswerable.false.count),
    ofOther: sum(({ all }) => all.unanswerable.questions),
  }
}
