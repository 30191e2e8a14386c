import t from 'tap'
import { adminKey, skipReason, startApp, worlds, type App } from '../support/app.ts'

/** A misspelled word is the word that was meant: for the search, for the quoted sentences, and in the explanation. */

t.setTimeout(1_800_000)

const admin = { authorization: `Bearer ${adminKey}` }

const texts: Readonly<Record<string, readonly (readonly [source: string, text: string])[]>> = {
  en: [
    [
      'travel',
      'Staff who travel keep all their receipts until the end of the year. Submit expenses in the portal by the fifth of the month. A car of the company is booked at the front desk.',
    ],
    ['cash', 'Cash is handed out at the counter on Mondays. How much is handed out is written in a book.'],
  ],
  ru: [
    [
      'hostel',
      'Комнаты убирают по вторникам и пятницам утром. Проживание оплачивают до десятого числа каждого месяца. Гости уходят до одиннадцати вечера.',
    ],
    ['library', 'Книги выдают на тридцать дней по билету читателя. Зал открыт до полуночи во время сессии.'],
  ],
}

interface AskedTerm {
  readonly term: string
  readonly content: boolean
  readonly read_as?: readonly { readonly term: string; readonly similarity: number }[]
  readonly unknown?: boolean
}

async function ask(app: App, language: string, question: string) {
  const { status, json } = await app.send(
    'POST',
    '/ask',
    { collection: language, question, language, include: ['explain'] },
    { ...admin, 'cache-control': 'no-cache' },
  )
  t.equal(status, 200, JSON.stringify(json))
  return json as {
    readonly answer: string
    readonly explain: { readonly question: { readonly terms: readonly AskedTerm[] } }
  }
}

for (const world of worlds) {
  t.test(`corrections, ${world}`, { skip: skipReason(world) }, async t => {
    const app = await startApp(t, world)
    for (const [language, documents] of Object.entries(texts)) {
      const { status } = await app.send(
        'PUT',
        '/documents',
        { collection: language, documents: documents.map(([source, text]) => ({ source, text, language })) },
        admin,
      )
      t.equal(status, 200)
    }

    await t.test('the sentence with the corrected words is quoted first', async t => {
      const { answer } = await ask(app, 'en', 'how do i sumbit expences')
      t.match(answer, /^Submit expenses in the portal/)
      const russian = await ask(app, 'ru', 'когда аплачивают праживание')
      t.match(russian.answer, /^Проживание оплачивают до десятого/)
    })

    await t.test('the explanation tells what a word was read as', async t => {
      const { explain } = await ask(app, 'en', 'how do i sumbit expences')
      const terms = new Map(explain.question.terms.map(each => [each.term, each]))
      t.match(terms.get('sumbit'), { content: true, read_as: [{ term: 'submit' }] })
      t.ok(terms.get('sumbit')!.read_as![0]!.similarity >= 0.8)
      t.match(terms.get('expenc'), { read_as: [{ term: 'expens' }] })
      t.notOk('unknown' in terms.get('sumbit')!)
    })

    await t.test('a word that nothing explains is unknown; a known one is neither', async t => {
      const { explain } = await ask(app, 'en', 'Can staff submit xylophone expenses?')
      const terms = new Map(explain.question.terms.map(each => [each.term, each]))
      t.match(terms.get('xylophon'), { content: true, unknown: true })
      t.notOk('read_as' in terms.get('xylophon')!)
      t.notOk('unknown' in terms.get('submit')! || 'read_as' in terms.get('submit')!)
      t.notOk('unknown' in terms.get('can')!, 'a function word is not reported')
    })

    await t.test('nothing of the question is known: told of every word, and no passage is made up', async t => {
      const { explain, answer } = await ask(app, 'en', 'xylophone zeppelin')
      t.same(
        explain.question.terms.map(({ unknown }) => unknown),
        [true, true],
      )
      t.equal(answer, "I can't find that in the documents.")
    })

    await t.test('a word read as two is not unknown', async t => {
      const { explain } = await ask(app, 'en', 'Where is the frontdesk?')
      t.notOk('unknown' in explain.question.terms.find(({ term }) => term === 'frontdesk')!)
    })
  })
}
