import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { anyWorld, databaseSettings, startApp } from '../support/app.ts'
import { runCliProcess } from '../support/cli.ts'

/**
 * Small documents that users' tools read wrongly. They lie beside the repository where the project is developed, not in
 * it: each is loaded as it is and asked for what was lost.
 */

t.setTimeout(1_800_000)

const cases = fileURLToPath(new URL('../../../shared/cases/reading/', import.meta.url))

type Asked = readonly [question: string, answer: RegExp]

const asked: Readonly<Record<string, readonly Asked[]>> = {
  '01-docx-auto-numbers/safety-manual.docx': [['What does section 1.2 of the safety manual say?', /^No gloves/]],
  '01-docx-auto-numbers/tuition-rules.docx': [
    ['What does clause 3.2 say?', /^3\.2 A student who leaves within the first month/],
    ['When is the second instalment due?', /2\.2 The second instalment is due on 1 March/],
  ],
  '03-superscript-numbers': [
    ['What does a day ticket cost?', /11⁵⁰/],
    ['When do quiet hours begin?', /22³⁰/],
    ['How many litres does the basin hold?', /2\.5 × 10⁶/],
    ['What does article 74 of the labour decree say?', /one and a half times/],
  ],
  '04-accordion-hidden': [
    ['How many books may I borrow?', /twelve books/],
    ['When does the front door close?', /midnight/],
    ['When is the canteen open in the holidays?', /10 to 14/],
  ],
  '05-rowspan': [
    ['What is the fee for a master in law?', /\| Law \| Master \| 3,900/],
    ['What is the rent of a double room in Elm House?', /\| Elm House \| double \| 165/],
    ['When is the chemistry lab open at the weekend?', /\| Lab \| Hours Weekdays \| Hours Weekend \|\n\| Chemistry/],
  ],
  '06-long-table': [
    ['How many borrowers does Lorne have?', /Borrowers[^]*\| Lorne \| 233 \| 51 \|/],
    ['How many depositors has Wetwang?', /Depositors[^]*\| Wetwang \| 332 \|/],
  ],
  '07-links': [
    ['Where do I find the application form for a grant?', /https:\/\/forms\.example\.edu/],
    ['How can I reach the grants office?', /mailto:grants@example\.edu/],
    ['Where can I book a seat on the shuttle?', /https:\/\/shuttle\.example\.edu/],
    ['Where do I book an appointment at the consulate?', /https:\/\/visa\.example\.org/],
  ],
  '10-csv-sep': [
    ['Where do I get a parking permit?', /^At the porter of gate 2/],
    ['What does a copy cost?', /^Five cents/],
    ['Who is the dean of arts?', /^Professor Hale/],
  ],
  '15-pdf-form/registration.pdf': [['Which room is in the registration for the dormitory?', /Oak House 217/]],
  '17-mkdocs-tabs': [
    ['How do I install the scanner on Linux?', /^Add your user to the group scanner/],
    ['What about thin paper?', /transparent sleeve/],
    ['What resolution is best?', /^Use 300 dpi/],
  ],
  '24-footnote-marks': [
    ['When was the mill bought by the town?', /in 1954\.\\\[7\\\] Its wheel/],
    ['When was the toll of Ash bridge abolished?', /^The toll was abolished in 1820\.\\\[15\\\] Since/],
  ],
  '25-pdf-table': [['When does the shop in Dunmore open?', /\| Dunmore \| 6 High Street \| 10:00 \|/]],
  '26-codes-and-dates': [
    ['What does article 12.3 say?', /repeated twice/],
    ['What does Article 12.13 say?', /doctor's note/],
    ['What does article 1.23 say?', /15 September 2025/],
    ['What does § 5 (2) say?', /^Minors/],
    ['Which pump does filter HB-2042 fit?', /K7\/500/],
    ['What happens on 30 June 2026?', /30\.06\.2026/],
  ],
  ...Object.fromEntries(
    ['bold.md', 'faq.docx', 'faq.html', 'faq.md', 'qa.txt'].map(name => [
      `27-faq-headings/${name}`,
      [
        ['Where is the lost property office?', /^In the basement of hall D, next to the boiler\. \[1\]$/],
        ['When is the sports centre open?', /^Daily from 7 to 22, on Sundays from 9\. \[1\]$/],
        ['Who signs my internship report?', /^Your tutor, and after that the head of department\. \[1\]$/],
        ['What does a locker cost?', /^Ten euros a term\. You get five back with the key\. \[1\]$/],
        ['May I bring a guest to lectures?', /^Yes, if the lecturer agrees\. \[1\]$/],
      ] as const,
    ]),
  ),
}

t.test('documents that are often read wrongly: each answers what was lost', async t => {
  if (!existsSync(cases)) return t.comment('left out: the cases are not beside this repository')
  const env = await databaseSettings(t, anyWorld)
  const names = Object.keys(asked)
  for (const [index, name] of names.entries()) {
    const { code, stderr } = await runCliProcess(['ingest', name, '--collection', `case-${index}`], { cwd: cases, env })
    t.ok(code === 0 || code === 3, `${name} is loaded: ${stderr}`)
  }
  const app = await startApp(t, anyWorld, { ...env, CHAT_MODEL: 'none' })
  for (const [index, name] of names.entries())
    for (const [question, answer] of asked[name]!) {
      const { json } = await app.ask({ question, collection: `case-${index}` })
      t.match(json.answer, answer, `${name}: ${question}`)
    }
})
