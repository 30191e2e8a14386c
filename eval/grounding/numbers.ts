/**
 * Whether a reply has a number that no shown passage has and that is not worked out in its sentence. Every draft of the
 * set is checked, and what is left of it is read again in the plainest way (standing.ts). Exit code 1 when there is one.
 *
 *   node eval/grounding/numbers.ts [--drafts FILE]
 *
 * FILE: further drafts, one per line: {language, draft, question?, passages: [{title, text}]}.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { draftsOfTheSet, measureNumbers, type Draft } from './number-bar.ts'
import { passageOf } from './measure.ts'

const { values: options } = parseArgs({ options: { drafts: { type: 'string' } } })
const drafts = [...draftsOfTheSet(), ...(options.drafts === undefined ? [] : draftsOf(options.drafts))]
const { replies, counts, violations } = await measureNumbers(drafts)
console.log(`${drafts.length} drafts, ${replies} replies that show something`)
for (const [standing, count] of counts) console.log(`${count} numbers: ${standing}`)
console.log(`${violations.length} numbers that no shown passage has and that are not worked out`)
for (const { number, reply } of violations) console.log(`  ${number}: ${reply.replaceAll('\n', ' ⏎ ')}`)
process.exitCode = violations.length > 0 ? 1 : 0

function draftsOf(file: string): Draft[] {
  const rows = readFileSync(file, 'utf8').trim().split('\n')
  return rows.map(row => {
    const { passages, ...draft } = JSON.parse(row) as Draft
    const { language } = draft
    return { ...draft, passages: passages.map((each, i) => passageOf({ ...each, language, id: String(i) })) }
  })
}
