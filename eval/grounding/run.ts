/**
 * Checks every case of `cases.jsonl` by words alone and reports how many true sentences are taken away, how many lies
 * are missed, and how long a check takes.
 *
 *   node eval/grounding/run.ts [--half develop|held-out] [--show]
 */
import { parseArgs } from 'node:util'
import { measureGrounding, readCases, type Measured } from './measure.ts'

const { values } = parseArgs({ options: { half: { type: 'string' }, show: { type: 'boolean' } } })
const { cases, passages } = readCases()
const halves = values.half === undefined ? (['develop', 'held-out'] as const) : [values.half]
for (const half of halves) {
  const measured = await measureGrounding(
    cases.filter(each => each.half === half),
    passages,
  )
  print(half, measured)
}

function print(half: string, { groups, truth, lies, times, wrong }: Measured): void {
  console.log(
    `\n${half}: ${truth.wrong} of ${truth.of} true sentences taken away (${percent(truth)}), ${lies.wrong} of ${lies.of} lies missed (${percent(lies)})`,
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
