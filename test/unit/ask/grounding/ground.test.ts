import t from 'tap'
import { createGrounder, groundDraft } from '../../../../src/ask/grounding/ground.ts'
import { createPieceReader } from '../../../../src/ask/grounding/pieces.ts'
import { passage } from '../../../support/passages.ts'

const hr = passage(
  'Employees have 25 days of leave. Leave of more than ten days must be requested four weeks in advance. The canteen serves 8 starters and 12 mains.',
  { title: 'Leave' },
)
const contacts = passage('Laura Jensen heads human resources. The office is closed on Fridays.', {
  title: 'Contacts',
  chunkId: 'e.0',
  documentId: 'e',
})
const input = { passages: [hr, contacts], question: 'How much leave do employees have?', language: 'en' }

t.test('how the text arrives changes nothing', async t => {
  const draft =
    'Here is the answer:\n\n- Employees have 25 days of leave [1].\n- They get a free car.\n\nThe office is closed on Fridays. [2] Laura Jensen heads human resources. It costs 40 euros.'
  const whole = await groundDraft(draft, input)
  for (const size of [1, 3, 7]) {
    const grounder = createGrounder(input)
    let text = ''
    for (let i = 0; i < draft.length; i += size) text += await grounder.push(draft.slice(i, i + size))
    const { rest } = await grounder.end()
    t.equal((text + rest).trim(), whole.text)
  }
  t.equal(
    whole.text,
    'Here is the answer:\n\n- Employees have 25 days of leave [1].\n\nThe office is closed on Fridays. [2] Laura Jensen heads human resources [2].',
  )
  t.same(
    whole.dropped.map(({ reason }) => reason),
    ['words', 'number'],
  )
})

t.test('a sentence waits for what follows it, and no longer', async t => {
  const grounder = createGrounder(input)
  t.equal(await grounder.push('Employees have 25 days of leave'), '')
  t.equal(await grounder.push('. '), '')
  t.match(await grounder.push('Laura Jensen heads hum'), /^Employees have 25 days of leave \[1\]\.$/)
})

t.test('markers: added where there is none, kept where right, taken away where wrong', async t => {
  const texts: Readonly<Record<string, string>> = {
    'Laura Jensen heads human resources.': 'Laura Jensen heads human resources [2].',
    'Laura Jensen heads human resources [2].': 'Laura Jensen heads human resources [2].',
    'Laura Jensen heads human resources [1].': 'Laura Jensen heads human resources [2].',
    'Laura Jensen heads human resources [1][2].': 'Laura Jensen heads human resources [2].',
    'According to the passage, Laura Jensen heads human resources [2].': 'Laura Jensen heads human resources [2].',
  }
  for (const [draft, text] of Object.entries(texts)) t.equal((await groundDraft(draft, input)).text, text)
})

t.test('arithmetic', async t => {
  const right = ['8 + 12 = 20 dishes.', 'With 8 starters and 12 mains the canteen serves 20 in total.']
  for (const sum of right) t.same((await groundDraft(`The canteen serves ${sum}`, input)).dropped, [], sum)
  const wrong = await groundDraft('The canteen serves 8 starters and 12 mains, 8 + 12 = 21 dishes.', input)
  t.match(wrong.dropped, [{ reason: 'arithmetic' }])
  t.match((await groundDraft('The canteen serves 20 dishes.', input)).dropped, [{ reason: 'number', detail: '20' }])
})

t.test("the question's own number may be repeated next to one of the passages, not by itself", async t => {
  const asked = { ...input, question: 'Do employees have 30 days of leave?' }
  t.match((await groundDraft('Employees have 30 days of leave.', asked)).dropped, [{ reason: 'number', detail: '30' }])
  t.same((await groundDraft('Employees do not have 30 days of leave but 25 days.', asked)).dropped, [])
})

t.test('refusals in prose', async t => {
  const refusals: Readonly<Record<string, readonly string[]>> = {
    en: [
      'The passages do not mention the fee.',
      'The provided context does not contain information about parking.',
      "I'm sorry, but I cannot find this in the documents.",
      'There is no information about the bonus in the passages.',
    ],
    ru: [
      'В предоставленных отрывках не указано, сколько стоит парковка.',
      'К сожалению, в документах нет информации о премии.',
    ],
    kk: ['Берілген үзінділерде бұл туралы ақпарат жоқ.', 'Құжаттарда бұл сұраққа жауап табылмады.'],
    vi: ['Các đoạn văn không đề cập đến phí đỗ xe.', 'Không có thông tin về tiền thưởng trong tài liệu.'],
    it: ['I passaggi non menzionano il costo.', 'Non ci sono informazioni sul parcheggio nei documenti.'],
  }
  for (const [language, sentences] of Object.entries(refusals))
    for (const sentence of sentences) t.ok((await groundDraft(sentence, { ...input, language })).isRefusal, sentence)
  // What the documents themselves say is none.
  const rule = passage('The documents do not contain a signature page. Applicants sign the form.')
  const kept = await groundDraft('The documents do not contain a signature page.', { ...input, passages: [rule] })
  t.match(kept, { isRefusal: false, keptCount: 1 })
})

t.test('an answer in another language than the passages: facts decide, or nothing does', async t => {
  const russian = { ...input, language: 'ru', question: 'Сколько дней отпуска у сотрудников?' }
  const said = await groundDraft('У сотрудников 25 дней отпуска [1].', russian)
  t.match(said, { text: 'У сотрудников 25 дней отпуска [1].', dropped: [] })
  t.match((await groundDraft('У сотрудников 30 дней отпуска [1].', russian)).dropped, [{ reason: 'number' }])
  const strict = await groundDraft('У сотрудников 25 дней отпуска [1].', { ...russian, strictness: 'strict' })
  t.match(strict.dropped, [{ reason: 'language' }])
})

t.test(
  'a model that only knows what a passage is about rescues no denial, and nothing said of something else',
  async t => {
    const isSupported = async () => true
    const lies = ['The office is not closed on Fridays.', 'The canteen serves 25 starters and 12 mains.']
    for (const draft of lies) {
      const { dropped } = await groundDraft(draft, { ...input, checker: { readsAll: false, isSupported } })
      t.match(dropped, [{ reason: /negation|elsewhere/ }], draft)
      t.same((await groundDraft(draft, { ...input, checker: { readsAll: true, isSupported } })).dropped, [], draft)
    }
  },
)

t.test('a checker is asked where words do not decide, and facts that stand nowhere stay wrong', async t => {
  const claims: string[] = []
  const checker = {
    readsAll: false,
    isSupported: async (claim: string) => {
      claims.push(claim)
      return true
    },
  }
  const draft =
    'Staff relax for five weeks each year. Employees have 40 days of leave. Employees have 25 days of leave.'
  const { dropped } = await groundDraft('Colleagues may relax whenever management agrees.', { ...input, checker })
  t.same(dropped, [])
  t.equal(claims.length, 1)
  t.match((await groundDraft(draft, { ...input, checker })).dropped, [{ reason: 'number' }, { reason: 'number' }])
})

t.test('code: every token stands in the passages', async t => {
  const code = passage('Set it with `fprint density 7` and save with `fprint save`.')
  const right = '```\nfprint density 7\nfprint save\n```'
  t.equal((await groundDraft(right, { ...input, passages: [code] })).text, right)
  const wrong = '```\nfprint density 7\nfprint reboot\n```'
  t.match((await groundDraft(wrong, { ...input, passages: [code] })).dropped, [{ reason: 'code', detail: 'reboot' }])
})

t.test('a sentence without end is cut, and no text is lost', async t => {
  const endless = `${'Employees have 25 days of leave, and: e.g. more; '.repeat(400)}`
  const reader = createPieceReader('en')
  const pieces = Array.from(endless.match(/.{1,7}/gs) ?? []).flatMap(part => reader.push(part))
  pieces.push(...reader.end())
  t.ok(pieces.length > 3 && pieces.every(({ text }) => text.length <= 4100), `${pieces.length} pieces`)
  t.equal(
    pieces
      .map(({ lead, text }) => lead + text)
      .join('')
      .trim(),
    endless.trim(),
  )
})

t.test('a block of code is one piece, however long', async t => {
  const code = `\`\`\`\n${'x = 1; y: 2.\n'.repeat(1000)}\`\`\``
  const reader = createPieceReader('en')
  const pieces = Array.from(`Run this:\n\n${code}\n\nThen stop it at once.`.match(/.{1,9}/gs) ?? []).flatMap(part =>
    reader.push(part),
  )
  pieces.push(...reader.end())
  t.same(
    pieces.map(({ kind }) => kind),
    ['sentence', 'code', 'sentence'],
  )
  t.equal(pieces[1]?.text, code)
})

t.test('what a part, a row or a list says of one thing is not said of another', async t => {
  const passages = [
    passage(
      'Trains run until 22:00; buses stop at 20:00. The pool is open daily except Mondays. Anna Bell leads the choir, and Tom Reed plays the organ. Batteries and perfume may not be sent.\n\n| Size | Price |\n|---|---|\n| Small | 5 euros |\n| Large | 9 euros |',
      { title: 'Rules' },
    ),
  ]
  const reasons = async (draft: string) => {
    const { dropped } = await groundDraft(draft, { passages, question: '', language: 'en' })
    return dropped.map(({ reason }) => reason)
  }
  t.same(await reasons('Trains run until 22:00.'), [])
  t.same(await reasons('Buses stop at 22:00.'), ['elsewhere'])
  t.same(await reasons('The pool is closed on Mondays.'), [])
  t.same(await reasons('The pool is open on Mondays.'), ['negation'])
  t.same(await reasons('Tom Reed leads the choir.'), ['elsewhere'])
  t.same(await reasons('The choir is led by Anna Bell.'), [])
  t.same(await reasons('The price of size Large is 9 euros.'), [])
  t.same(await reasons('The price of size Small is 9 euros.'), ['elsewhere'])
  t.same(await reasons('These may not be sent:\n- batteries\n- perfume'), [])
})
