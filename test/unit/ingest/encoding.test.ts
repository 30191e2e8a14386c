import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import iconv from 'iconv-lite'
import t, { type Test } from 'tap'
import { encodingOf } from '../../../src/ingest/readers/encoding/encoding.ts'
import type { SourceDocument } from '../../../src/ingest/terms.ts'
import { readPaths } from '../../support/read-paths.ts'

async function read(t: Test, name: string, bytes: Buffer) {
  const path = join(t.testdir(), name)
  writeFileSync(path, bytes)
  const documents: SourceDocument[] = []
  const faults: string[] = []
  for await (const result of readPaths([path])) {
    if ('fault' in result) faults.push(`${result.fault.line ?? ''}: ${result.fault.reason}`)
    else documents.push(result.document)
  }
  return { texts: documents.map(({ text }) => text), faults, documents }
}

const russian = 'Бассейн открыт с семи утра. По воскресеньям он закрыт.'
const samples: readonly (readonly [encoding: string, name: string, text: string])[] = [
  ['win1251', 'windows-1251', russian],
  ['koi8-r', 'KOI8-R', russian],
  ['cp866', 'ibm866', russian],
  ['rk1048', 'KZ-1048', 'Бассейн таңғы сағат жетіден бастап ашық. Жексенбі күні ол жабық болады, келіңіз.'],
  [
    'latin1',
    'windows-1252',
    'La piscina è aperta più tardi. La città offre ciò che c’è, così è già.'.replaceAll('’', "'"),
  ],
  ['win1258', 'windows-1258', 'Hồ bơi mở cửa từ bảy giờ sáng. Chủ nhật hồ bơi đóng cửa.'],
  ['viscii', 'VISCII', 'Hồ bơi mở cửa từ bảy giờ sáng. Chủ nhật thì hồ bơi đóng cửa.'],
  ['gbk', 'GB18030', '游泳池早上七点开门。星期日不开门。'],
  ['shiftjis', 'shift_jis', 'プールは朝七時に開きます。日曜日は休みです。'],
  ['utf16le', 'UTF-16LE', `${russian} Pool`],
  ['utf16be', 'UTF-16BE', 'The pool is open from seven.'],
]

function encoded(text: string, encoding: string): Buffer {
  // windows-1258 has letters with marks, but tones only as marks of their own.
  const tones = Array.from(text, letter => {
    const marks = letter.normalize('NFD').match(/[\u0300\u0301\u0303\u0309\u0323]/g) ?? []
    return (
      letter
        .normalize('NFD')
        .replace(/[\u0300\u0301\u0303\u0309\u0323]/g, '')
        .normalize('NFC') + marks.join('')
    )
  }).join('')
  return iconv.encode(encoding === 'win1258' ? tones : text, encoding, { addBOM: false })
}

t.test('an undeclared encoding is detected and named, in whole files and line by line', async t => {
  for (const [encoding, name, text] of samples) {
    const whole = await read(t, 'a.txt', encoded(text, encoding))
    t.strictSame(whole.texts, [text], encoding)
    t.strictSame(whole.faults, [`: states no encoding and was read as ${name}; check the text, and save it as UTF-8`])
    const rows = await read(t, 'a.csv', encoded(`text;id\n${text};1\n${text} 2;2\n`, encoding))
    t.strictSame(rows.texts, [text, `${text} 2`], `${encoding}, CSV`)
    t.equal(rows.faults.length, 1)
    const lines = await read(
      t,
      'a.jsonl',
      encoded(`${JSON.stringify({ text })}\r\n${JSON.stringify({ text: text + text })}`, encoding),
    )
    t.strictSame(lines.texts, [text, text + text], `${encoding}, JSON lines`)
  }
})

t.test('a byte order mark states the encoding', async t => {
  for (const encoding of ['utf8', 'utf16le', 'utf16be', 'utf-32le', 'utf-32be']) {
    const bytes = iconv.encode('text\nÖffnet um 7.\n', encoding, { addBOM: true })
    t.strictSame(
      await read(t, 'a.csv', bytes).then(({ texts, faults }) => [texts, faults]),
      [['Öffnet um 7.'], []],
      encoding,
    )
    const page = iconv.encode('<p>Öffnet um 7.</p>', encoding, { addBOM: true })
    t.strictSame((await read(t, 'a.html', page)).texts, ['Öffnet um 7.'], encoding)
  }
})

t.test('a page states its encoding; what it states is not believed against its bytes', async t => {
  const page = (head: string) => `${head}<title>Пляж</title><p>Да.</p>`
  for (const head of [
    '<meta charset="windows-1251">',
    '<META http-equiv=Content-Type content="text/html; charset=cp1251">',
    '<?xml version="1.0" encoding="windows-1251"?>',
  ])
    t.match(await read(t, 'a.html', iconv.encode(page(head), 'win1251')), { texts: ['Да.'], faults: [] }, head)
  t.match(await read(t, 'a.html', Buffer.from(page('<meta charset=windows-1251>'))), { texts: ['Да.'], faults: [] })
  const unknown = await read(t, 'a.html', iconv.encode(page('<meta charset=no-such-thing>'), 'win1251'))
  t.match(unknown.faults, [/^: is not valid UTF-8/])
})

t.test('a wrong byte in UTF-8 is a mistake, not another encoding', async t => {
  const line = (text: string) => Buffer.from(`${JSON.stringify({ text })}\n`)
  const wrong = Buffer.from([...Buffer.from('{"text": "'), 0xe9, ...Buffer.from('"}\n')])
  const rows = await read(t, 'a.jsonl', Buffer.concat([line('Schön.'), wrong, line('Größe.')]))
  t.strictSame([rows.texts, rows.faults], [['Schön.', 'Größe.'], ['2: is not valid UTF-8; save it as UTF-8']])
  const whole = await read(
    t,
    'a.txt',
    Buffer.concat([Buffer.from('Größe\nschön\n'), Buffer.from([0xff]), Buffer.from('.')]),
  )
  t.strictSame(whole.faults, [': is not valid UTF-8 in line 3; save it as UTF-8'])
})

t.test('too little to tell is refused with the likely encoding', t => {
  t.match(encodingOf(iconv.encode('He went to the café. It was closed on that day.', 'latin1')), {
    name: 'utf-8',
    refusal: /^is not valid UTF-8; it may be windows-1252: convert it to UTF-8$/,
  })
  t.match(encodingOf(Buffer.from([0x80, 0xff, 0xfe, 0x81])).refusal, /^is not valid UTF-8/)
  t.strictSame(encodingOf(Buffer.from('plain')), { name: 'utf-8' })
  t.strictSame(encodingOf(Buffer.alloc(0)), { name: 'utf-8' })
  t.end()
})

t.test('a file whose first foreign letter comes late is judged by that letter', async t => {
  const plain = 'text,b\n' + `${' '.repeat(70_000)}All in plain letters.,1\n`
  const { documents, faults } = await read(
    t,
    'a.csv',
    Buffer.concat([Buffer.from(plain), iconv.encode(`${russian},2\n`, 'win1251')]),
  )
  t.equal(documents.at(-1)!.text, `${russian}\nb: 2`)
  t.match(faults[0], /windows-1251/)
})
