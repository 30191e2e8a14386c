/**
 * Checks every case of `cases.jsonl`, by words alone or with a cross-encoder on disk, and reports how many true sentences
 * are taken away, how many lies are missed, and how long a check takes.
 *
 *   node eval/grounding/run.ts [--part develop|held-out|unseen-1|unseen-2|unseen-3] [--language en] [--show]
 *     [--cross-encoder FOLDER]
 */
import { parseArgs } from 'node:util'
import { openCrossEncoder } from '../../src/adapters/models/onnx/cross-encoder.ts'
import { rerankingCheckers } from '../../src/ask/grounding/checkers.ts'
import type { SupportChecker } from '../../src/ask/grounding/ground.ts'
import type { Reranker } from '../../src/ask/retrieval/rerank.ts'
import type { Run } from '../../src/ask/terms/run.ts'
import { measureGrounding, readCases, type Measured } from './measure.ts'

const { values } = parseArgs({
  options: {
    part: { type: 'string' },
    language: { type: 'string' },
    show: { type: 'boolean' },
    'cross-encoder': { type: 'string' },
  },
})
const { cases, passages } = readCases()
const asked = cases.filter(({ language }) => values.language === undefined || language === values.language)
const parts = values.part === undefined ? new Set(asked.map(({ part }) => part)) : [values.part]
const folder = values['cross-encoder']
const encoder = folder === undefined ? null : await openCrossEncoder(folder)
const timeoutMs = 60_000
try {
  for (const part of parts) {
    const ofPart = asked.filter(each => each.part === part)
    print(part, await measureGrounding(ofPart, passages, encoder ? checkerOf(encoder) : undefined))
  }
} finally {
  await encoder?.close()
}

/** As a question has it, with time enough. */
function checkerOf(reranker: Reranker): SupportChecker {
  const run = {
    payer: 'eval',
    deadline: Infinity,
    signal: new AbortController().signal,
    log: console,
  } as unknown as Run
  return rerankingCheckers(reranker, { timeoutMs })(run)
}

function print(part: string, { groups, truth, lies, times, wrong }: Measured): void {
  console.log(
    `\n${part}: ${truth.wrong} of ${truth.of} true sentences taken away (${percent(truth)}), ${lies.wrong} of ${lies.of} lies missed (${percent(lies)})`,
  )
  console.log(
    `time per draft: p50 ${times.p50.toFixed(2)} ms, p95 ${times.p95.toFixed(2)} ms, with the passages prepared each time`,
  )
  console.log('| kind | language | wrong | of |\n|---|---|---|---|')
  for (const { kind, language, wrong: count, of } of groups) console.log(`| ${kind} | ${language} | ${count} | ${of} |`)
  if (values.show)
    for (const { each, reasons } of wrong)
      console.log(
        `${each.id} ${each.kind} (${each.by}): ${each.draft.replaceAll('\n', ' ⏎ ')}${reasons === '' ? '' : ` — ${reasons}`}`,
      )
}

function percent({ wrong, of }: { readonly wrong: number; readonly of: number }): string {
  return `${((100 * wrong) / Math.max(1, of)).toFixed(1)} %`
}
