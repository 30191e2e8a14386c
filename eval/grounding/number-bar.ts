import { groundDraft } from '../../src/ask/grounding/ground.ts'
import type { Passage } from '../../src/ask/terms/passage.ts'
import { readCases } from './measure.ts'
import { numbersIn } from './plain-numbers.ts'
import { heldIn, standingOf, type Standing } from './standing.ts'

export interface Draft {
  readonly language: string
  readonly draft: string
  readonly question?: string
  readonly passages: readonly Passage[]
}

export interface NumbersMeasured {
  /** Replies that show something. */
  readonly replies: number
  readonly counts: ReadonlyMap<Standing, number>
  readonly violations: readonly { readonly number: string; readonly reply: string }[]
}

export function draftsOfTheSet(): Draft[] {
  const { cases, passages } = readCases()
  return cases.map(each => ({ ...each, passages: each.passages.map(id => passages.get(id)!) }))
}

/** Reads the numbers of what is shown of each draft. */
export async function measureNumbers(drafts: readonly Draft[], replyOf = checked): Promise<NumbersMeasured> {
  const counts = new Map<Standing, number>()
  const violations: { readonly number: string; readonly reply: string }[] = []
  let replies = 0
  for (const each of drafts) {
    const reply = await replyOf(each)
    if (reply === '') continue
    replies++
    const held = heldIn([...each.passages.map(({ title, text }) => `${title}\n${text}`), each.question ?? ''])
    for (const number of numbersIn(reply)) {
      const standing = standingOf(number, held, reply)
      counts.set(standing, (counts.get(standing) ?? 0) + 1)
      if (standing === 'nowhere') violations.push({ number: number.text, reply })
    }
  }
  return { replies, counts, violations }
}

async function checked({ draft, passages, language, question = '' }: Draft): Promise<string> {
  return (await groundDraft(draft, { passages, question, language })).text
}
