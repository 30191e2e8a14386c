/**
 * Checks every case of `cases.jsonl` by words alone and reports how many true sentences are taken away, how many lies
 * are missed, and how long a check takes.
 *
 *   node eval/grounding/run.ts [--part develop|held-out|unseen-1|unseen-2|unseen-3] [--show]
 */
import { parseArgs } from 'node:util'
import { measureGrounding, readCases, type Measured } from './measure.ts'

const { values } = parseArgs({ options: { part: { type: 'string' }, show: { type: 'boolean' } } })
const { cases, passages } = readCases()
const parts = values.part === undefined ? new Set(cases.map(({ part }) => part)) : [values.part]
for (const part of parts) {
  const measured = await measureGrounding(
    cases.filter(each => each.part === part),
    passages,
  )
  print(part, measured)
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
