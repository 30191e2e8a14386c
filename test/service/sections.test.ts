import t from 'tap'
import { adminKey } from '../support/admin-key.ts'
import { eitherWorld, skipReason, startApp, type App } from '../support/app.ts'

/** Documents of many small parts: each part is found, answers, and is cited by its own heading. */

const faq = [
  ['Where do I get my badge?', 'From the porter at gate four.', 'porter at gate four'],
  ['Who repairs a broken lamp?', 'The caretaker, within two days.', 'caretaker'],
  ['May I park in the yard?', 'Only at night.', 'Only at night'],
  ['What does the sauna cost?', 'Six francs. Towels are extra.', 'Six francs'],
  ['When is the laundry open?', 'On weekdays from six to ten.', 'weekdays from six'],
] as const

const forms = [
  ['headings', 'markdown', faq.map(([q, a]) => `## ${q}\n\n${a}`).join('\n\n'), true],
  ['html', 'html', faq.map(([q, a], i) => `<h2 id="q${i}">${q}</h2><p>${a}</p>`).join('\n'), true],
  ['bold', 'markdown', faq.map(([q, a]) => `**${q}**\n${a}`).join('\n\n'), false],
  ['labels', 'text', faq.map(([q, a]) => `Q: ${q}\nA: ${a}`).join('\n\n'), false],
  ['lines', 'text', faq.map(([q, a]) => `${q}\n${a}`).join('\n\n'), false],
] as const

const glossary =
  '# Words of the house\n\n## Quorum\n\nNine of sixteen members.\n\n## Proxy\n\nA paper by which another may vote.\n\n## Levy\n\nForty francs a quarter, due in advance.'

const branch = (i: number) => `| Town${String.fromCharCode(97 + (i % 26))}${i} | ${300 + i} | ${7000 + i} |`
const branches = `# Branches\n\n| Branch | Members | Loans |\n|---|---|---|\n${Array.from({ length: 90 }, (_, i) => branch(i)).join('\n')}`

async function load(app: App, collection: string, document: object): Promise<void> {
  const reply = await app.send('PUT', '/documents', { collection, documents: [document] }, authorization)
  if (reply.status !== 200) throw new Error(reply.text)
}

const authorization = { authorization: `Bearer ${adminKey}` }

for (const world of eitherWorld) {
  t.test(`small parts, ${world}`, { skip: skipReason(world) }, async t => {
    const app = await startApp(t, world)

    for (const [name, format, text, hasAnchors] of forms) {
      t.test(`a FAQ as ${name}: every question is answered by its own answer`, async t => {
        const url = `https://example.org/${name}`
        await load(app, name, { source: name, title: 'House', format, text, url })
        for (const [question, , answer] of faq) {
          const { json } = await app.ask({ question, collection: name })
          t.match(json.answer, answer, question)
          for (const [other, , otherAnswer] of faq) if (other !== question) t.notMatch(json.answer, otherAnswer)
          t.equal(json.citations[0].title, `House › ${question}`)
          if (hasAnchors) t.match(json.citations[0].url, /#.+/)
        }
      })
    }

    t.test('sections joined in one passage: the citation names the section and leads to it', async t => {
      await load(app, 'glossary', { source: 'words.md', text: glossary, url: 'https://example.org/words' })
      for (const [question, answer, heading] of [
        ['What is a proxy?', 'A paper by which another may vote. [1]', 'Proxy'],
        ['How much is the levy?', 'Forty francs a quarter, due in advance. [1]', 'Levy'],
      ] as const) {
        const { json } = await app.ask({ question, collection: 'glossary' })
        t.equal(json.answer, answer)
        const url = `https://example.org/words#${heading.toLowerCase()}`
        t.match(json.citations, [{ title: `Words of the house › ${heading}`, url }])
        const id = String(json.citations[0].document_id)
        const stored = await app.send('GET', `/documents/${id}`, undefined, authorization)
        t.equal(stored.json.text.slice(json.citations[0].start, json.citations[0].end), json.citations[0].quote)
      }
    })

    t.test('a table of several passages: each row is answered alone, under the header', async t => {
      await load(app, 'branches', { source: 'branches.md', text: branches })
      for (const i of [0, 5, 31, 60, 89]) {
        const name = branch(i).split(' ')[1]!
        const { json } = await app.ask({ question: `How many loans does ${name} have?`, collection: 'branches' })
        t.equal(json.answer, `| Branch | Members | Loans |\n${branch(i)} [1]`)
        t.equal(json.citations[0].quote, branch(i))
      }
    })
  })
}
