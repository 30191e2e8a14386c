import { readFileSync } from 'node:fs'
import { adminKey } from '../../test/support/app.ts'
import { clientOf } from '../../test/support/service.ts'
import { randomOf } from '../retrieval/random.ts'

export interface Document {
  readonly source: string
  readonly title: string
  readonly text: string
  readonly language: string
}

/** What the hot question is asked of: the FAQ of a library in five languages. */
export function faq(): Document[] {
  const lines = readFileSync(new URL('../../eval/faq/corpus.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n')
  return lines.map(line => {
    const { id, lang, title, text } = JSON.parse(line) as { id: string; lang: string; title: string; text: string }
    return { source: id, title, text, language: lang }
  })
}

/** Of the FAQ. The reply has 1,072 bytes: two sentences and one citation. */
export const hotQuestion = { question: 'How long may I keep a book?' }

const syllables = ['bar', 'dol', 'fen', 'gri', 'kal', 'lum', 'mor', 'nev', 'pol', 'rus', 'sta', 'tov', 'vel', 'zan']
const units = ['desk', 'office', 'registry', 'counter', 'window', 'bureau']

/** A notice about a permit of its own name, so that as many questions can be asked as there are notices. */
export function notice(number: number): Document {
  const random = randomOf(71, number)
  const name = noticeName(number)
  const [fee, days, room] = [5 + random.below(900), 2 + random.below(60), 100 + random.below(800)]
  const text =
    `The ${name} permit costs ${fee} crowns and is ready within ${days} working days. Apply at the ${random.pick(units)} in room ${room} ` +
    `with a passport and form ${name.slice(0, 3).toUpperCase()}-${number}. A lost ${name} permit is replaced at half the price.`
  return { source: `permits/${name}`, title: `The ${name} permit`, text, language: 'en' }
}

export function notices(count: number): Document[] {
  return Array.from({ length: count }, (_, number) => notice(number))
}

/** Different for every number; a `visitor` makes another question of the same permit. */
export function permitQuestion(number: number, visitor?: number): string {
  return `How much does the ${noticeName(number)} permit cost${visitor === undefined ? '' : ` for visitor ${visitor}`}?`
}

/** A word of four syllables that says the number: nearly forty thousand of them. */
export function noticeName(number: number): string {
  const base = syllables.length
  const digits = [number, Math.floor(number / base), Math.floor(number / base ** 2), Math.floor(number / base ** 3)]
  return digits.map((digit, place) => syllables[(digit + place) % base]).join('')
}

export async function load(address: string, collection: string, documents: readonly Document[]): Promise<void> {
  const client = clientOf(address)
  for (let at = 0; at < documents.length; at += 100) {
    const reply = await client.send(
      'PUT',
      '/documents',
      { collection, documents: documents.slice(at, at + 100) },
      { authorization: `Bearer ${adminKey}` },
    )
    if (reply.status !== 200) throw new Error(`documents were not loaded: ${reply.status} ${reply.text}`)
  }
}
