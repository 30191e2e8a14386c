import { notice, permitQuestion } from '../cache/documents.ts'
import { clientOf } from '../../test/support/service.ts'
import { documentCount } from './asked.ts'

export interface Checked {
  readonly asked: number
  /** How often the first source is the document asked for. */
  readonly found: number
  /** How often the answer has the fee that stands in it. */
  readonly right: number
}

const sample = 50

/** Asks of documents all over the corpus, one after the other: is what is measured an answer at all? */
export async function check(address: string): Promise<Checked> {
  const { ask } = clientOf(address)
  let [found, right] = [0, 0]
  for (let number = 0; number < sample; number++) {
    const asked = Math.floor((number * documentCount) / sample) + number
    const { source, text } = notice(asked)
    const { status, json, text: reply } = await ask({ question: permitQuestion(asked), include: ['passages'] })
    if (status !== 200) throw new Error(`${status} ${reply.slice(0, 500)}`)
    found += sourceOf(json) === source ? 1 : 0
    right += String(json.answer).includes(/costs \d+ crowns/.exec(text)![0]) ? 1 : 0
  }
  return { asked: sample, found, right }
}

/** A peer names its sources, Askwell the passages when asked to. */
function sourceOf({ sources, passages }: { sources?: string[]; passages?: { source: string }[] }): string | undefined {
  return sources === undefined ? passages?.[0]?.source : sources[0]
}
