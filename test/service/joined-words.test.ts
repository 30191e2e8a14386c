import t from 'tap'
import { adminKey, skipReason, startApp, worlds, type App } from '../support/app.ts'

/** Words that some write joined, some apart and some with a hyphen; compounds; names with signs. */

t.setTimeout(1_800_000)

const admin = { authorization: `Bearer ${adminKey}` }

const texts: Readonly<Record<string, readonly (readonly [source: string, text: string])[]>> = {
  en: [
    ['wifi', 'The wifi in the reading room is free, and its name is on the wall.'],
    ['login', 'Staff login at the terminal takes a card and a number.'],
    ['arrival', 'Guests may check in from two in the afternoon at the front desk.'],
    ['signup', 'You sign up for the newsletter on the page of the library.'],
    ['laundry', 'The laundry in the cellar has four machines and a dryer.'],
    ['c', 'Programs in C are compiled with the make command before they run.'],
    ['cpp', 'Programs in C++ are compiled with the build command before they run.'],
    ['sharp', 'Programs in C# are compiled with the publish command before they run.'],
    ['net', 'The .NET runtime is updated on the first Monday of the month.'],
    ['fishing', 'A fishing net is lent to members for a day at most.'],
    ['visa', 'Citizens of the U.S.A. need no visa for a stay of ninety days.'],
  ],
  de: [
    ['ausweis', 'Der Bibliotheksausweis kostet zehn Euro im Jahr und gilt ein Jahr.'],
    ['miete', 'Die Kosten der Wohnung trägt der Mieter, solange er dort wohnt.'],
    ['garten', 'Der Garten ist im Sommer bis neun Uhr abends offen.'],
  ],
}

const questions: readonly (readonly [language: string, question: string, source: string])[] = [
  ['en', 'Is there wi fi?', 'wifi'],
  ['en', 'Is the wi-fi free?', 'wifi'],
  ['en', 'How does staff log in?', 'login'],
  ['en', 'How does staff log-in?', 'login'],
  ['en', 'When is checkin?', 'arrival'],
  ['en', 'When is check-in?', 'arrival'],
  ['en', 'Where is the newsletter signup?', 'signup'],
  ['en', 'How are programs in C compiled?', 'c'],
  ['en', 'How are programs in C++ compiled?', 'cpp'],
  ['en', 'How are programs in C# compiled?', 'sharp'],
  ['en', 'When is .NET updated?', 'net'],
  ['en', 'When is dotnet updated?', 'net'],
  ['en', 'Do USA citizens need a visa?', 'visa'],
  ['de', 'Was kostet der Ausweis?', 'ausweis'],
  ['de', 'Wer trägt die Wohnungskosten?', 'miete'],
]

async function ask(app: App, language: string, question: string) {
  const { status, json } = await app.send('POST', '/ask', { collection: language, question, language })
  t.equal(status, 200)
  return json as { readonly abstained: boolean; readonly citations: readonly { readonly quote: string }[] }
}

for (const world of worlds) {
  t.test(`words written joined and apart, ${world}`, { skip: skipReason(world) }, async t => {
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
    for (const [language, question, source] of questions) {
      const { abstained, citations } = await ask(app, language, question)
      t.notOk(abstained, question)
      const text = texts[language]!.find(each => each[0] === source)![1]
      t.ok(text.includes(citations[0]?.quote ?? '?'), `${question}: ${source}, not "${citations[0]?.quote}"`)
    }
  })
}
