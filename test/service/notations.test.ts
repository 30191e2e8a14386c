import t from 'tap'
import { adminKey, skipReason, startApp, worlds, type App } from '../support/app.ts'

/** Dates, provisions and codes, asked in another notation than the documents have. */

t.setTimeout(1_800_000)

const admin = { authorization: `Bearer ${adminKey}` }

const documents = [
  { source: 'admission', language: 'en', text: 'The admission office takes applications until 30.06.2026 at noon.' },
  { source: 'winter', language: 'en', text: 'The winter reception takes place on 2026-12-05 in the hall.' },
  { source: 'spring', language: 'en', text: 'The spring reception takes place on 2026-05-12 in the hall.' },
  { source: 'minors', language: 'en', text: '§ 5 (2) Minors need the signature of a parent on the form.' },
  { source: 'parents', language: 'en', text: '§ 2 (5) Parents may read the rules in the office on request.' },
  { source: 'retake', language: 'en', text: 'Article 12.3 A failed examination may be repeated twice a year.' },
  { source: 'note', language: 'en', text: 'Article 12.13 A missed examination counts as failed without a note.' },
  { source: 'indexed', language: 'en', text: 'Article 74¹ A leave of absence is given for one year at most.' },
  { source: 'other', language: 'en', text: 'Article 741 A certificate is printed by the archive within a week.' },
  { source: 'filter', language: 'en', text: 'The filter HB-2041 fits the pump model K7/300 without an adapter.' },
  { source: 'seal', language: 'en', text: 'The filter HB-2042 fits the pump model K7/500 without an adapter.' },
]

const questions: readonly (readonly [question: string, source: string])[] = [
  ['What happens on June 30, 2026?', 'admission'],
  ['What is on 5 December 2026?', 'winter'],
  ['What is on 12 May 2026?', 'spring'],
  ['What does Section 5(2) say?', 'minors'],
  ['What does § 2(5) say?', 'parents'],
  ['What does Art. 12.3 say?', 'retake'],
  ['What does article 12.13 say?', 'note'],
  ['What does Article 74^1 say?', 'indexed'],
  ['What does Article 741 say?', 'other'],
  ['What fits K7/300?', 'filter'],
  ['What does HB 2042 fit?', 'seal'],
]

async function ask(app: App, question: string) {
  const { status, json } = await app.send('POST', '/ask', { collection: 'rules', question, language: 'en' })
  t.equal(status, 200)
  return json as { readonly abstained: boolean; readonly citations: readonly { readonly quote: string }[] }
}

/** The only document of its collection: no word is rare in it. */
const alone = {
  source: 'rules',
  language: 'en',
  text: '# Rules\n\n## Article 12.3\n\nA failed exam may be repeated twice.\n\n## Article 1.23\n\nThe rules come into force in May.',
}

for (const world of worlds) {
  t.test(`notations, ${world}`, { skip: skipReason(world) }, async t => {
    const app = await startApp(t, world)
    const { status } = await app.send('PUT', '/documents', { collection: 'rules', documents }, admin)
    t.equal(status, 200)
    for (const [question, source] of questions) {
      const { abstained, citations } = await ask(app, question)
      t.notOk(abstained, question)
      t.ok(
        documents.find(each => each.source === source)!.text.includes(citations[0]?.quote ?? '?'),
        `${question}: ${source}`,
      )
    }

    await app.send('PUT', '/documents', { collection: 'alone', documents: [alone] }, admin)
    const { json } = await app.send('POST', '/ask', {
      collection: 'alone',
      question: 'What is stated by article 12.3?',
    })
    t.match(json, { answer: 'A failed exam may be repeated twice. [1]' })
    const far = await app.send('POST', '/ask', { collection: 'alone', question: 'Who won the chess world cup?' })
    t.match(far.json, { abstained: true })
  })
}
