import { appendFileSync, truncateSync } from 'node:fs'
import t from 'tap'
import type { ReadOptions } from '../../../src/ingest/read.ts'
import type { ReadFault, SourceDocument } from '../../../src/ingest/terms.ts'
import { namedApart } from '../../../src/ingest/read-mails.ts'
import { sheetData, xlsx } from '../../support/office-files.ts'
import { readPaths } from '../../support/read-paths.ts'

async function read(path: string, options: ReadOptions = {}) {
  const documents: SourceDocument[] = []
  const faults: ReadFault[] = []
  for await (const result of readPaths([path], options))
    if ('fault' in result) faults.push(result.fault)
    else documents.push(result.document)
  return { documents, faults, reasons: faults.map(({ reason }) => reason) }
}

const head = [
  'From: =?utf-8?Q?J=C3=BCrgen_Berg?= <berg@example.org>',
  'To: Shop <shop@example.org>, office@example.org',
  'Date: Tue, 30 Jun 2026 14:05:00 +0200',
  'Message-ID: <m1@example.org>',
]

function mail(lines: readonly string[], more: readonly string[] = head): string {
  return [...more, 'MIME-Version: 1.0', ...lines, ''].join('\r\n')
}

t.test('a mail: subject, sender and date, its text, quotations and signature', async t => {
  const eml = mail([
    'Subject: Where is my tent?',
    'Content-Type: text/plain; charset=iso-8859-1',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    'It ships on Monday from K=F6ln.',
    '',
    '> When does it',
    '> ship?',
    '-- ',
    'Tel. 040 12345',
  ])
  const { documents, reasons } = await read(`${t.testdir({ 'tent.eml': eml })}/tent.eml`)
  t.strictSame(reasons, [])
  t.equal(documents[0]!.title, 'Where is my tent?')
  t.match(documents[0]!.metadata, {
    from: 'Jürgen Berg <berg@example.org>',
    to: 'Shop <shop@example.org>, office@example.org',
    date: '2026-06-30T12:05:00.000Z',
  })
  t.equal(
    documents[0]!.text,
    'From: Jürgen Berg <berg@example.org>\nTo: Shop <shop@example.org>, office@example.org\nDate: 2026-06-30\n\nIt ships on Monday from Köln.\n\nWhen does it\nship?\n\nTel. 040 12345',
  )
})

function part(type: string, body: string | Buffer, name?: string): string {
  const disposition = name === undefined ? [] : [`Content-Disposition: attachment; filename="${name}"`]
  const encoded = Buffer.from(body).toString('base64').replace(/.{76}/g, '$&\r\n')
  return [`Content-Type: ${type}`, ...disposition, 'Content-Transfer-Encoding: base64', '', encoded].join('\r\n')
}

function multipart(kind: string, parts: readonly string[], more?: readonly string[]): string {
  const boundary = `b${parts.join().length}`
  const body = parts.map(each => `--${boundary}\r\n${each}`).join('\r\n')
  const type = `Content-Type: multipart/${kind}; boundary="${boundary}"`
  return mail(['Subject: Parts', type, '', `${body}\r\n--${boundary}--`], more)
}

t.test('attachments are documents below the mail, each by its format; the unknown ones are reported', async t => {
  const inner = mail(['Subject: Inner', '', 'The inner text.'])
  const eml = multipart('mixed', [
    part('text/plain', 'See the attachments.'),
    part(
      'application/octet-stream',
      xlsx([
        {
          name: 'Prices',
          xml: sheetData([
            ['Item', 'Price'],
            ['Boat', 35],
          ]),
        },
      ]),
      'p.xlsx',
    ),
    part('text/csv', 'question,answer\nWhen?,At nine.\n', 'faq.csv'),
    part('text/plain', 'First note.', 'note.txt'),
    part('text/plain', 'Second note.', 'note.txt'),
    part('application/octet-stream', inner, 'inner.eml'),
    part('application/zip', 'PK', 'all.zip'),
    part('application/pdf', 'no', 'broken.pdf'),
    part('image/png', 'x', 'logo.png'),
  ])
  const path = `${t.testdir({ 'a.eml': eml })}/a.eml`
  const { documents, faults } = await read(path)
  const byName = new Map(documents.map(({ source, text }) => [source.replace(/#.*/, ''), text]))
  t.strictSame(
    [...byName.keys()],
    ['a.eml', 'a.eml/p.xlsx', 'a.eml/faq.csv', 'a.eml/note.txt', 'a.eml/note (2).txt', 'a.eml/inner.eml'],
  )
  t.match(byName.get('a.eml/p.xlsx'), '| Boat | 35 |')
  t.match(byName.get('a.eml/note (2).txt'), 'Second note.')
  t.match(byName.get('a.eml/inner.eml'), 'The inner text.')
  t.strictSame(faults, [
    { path, source: 'a.eml', reason: 'has attachments of a format that is not supported: all.zip' },
    { path: `${path}/broken.pdf`, source: 'a.eml', reason: 'is damaged or not a PDF' },
  ])
})

t.test('attachments and messages never share a source, and thousands of one name take no longer', async t => {
  const rows = multipart('mixed', [
    part('text/csv', 'id,question,answer\nx.txt,When?,At nine.\n', 'a.csv'),
    part('text/plain', 'Another text.', 'a.csv#x.txt'),
    part('text/plain', 'Not above.', '../../etc/passwd.txt'),
  ])
  const folder = t.testdir({ 'rows.eml': rows })
  const { documents, reasons } = await read(`${folder}/rows.eml`)
  t.strictSame(
    documents.map(({ source }) => source),
    ['rows.eml/a.csv#x.txt', 'rows.eml/.._.._etc_passwd.txt'],
  )
  t.strictSame(reasons, ['has two parts that would be stored as rows.eml/a.csv#x.txt'])
  const many = namedApart(Array.from({ length: 100_000 }, () => ({ name: 'a.txt', bytes: Buffer.alloc(0) })))
  t.equal(new Set(many.map(({ name }) => name)).size, 100_000)
})

t.test('a table that is attached: in its encoding, with the columns that were asked for', async t => {
  const words =
    'вопрос;ответ;цена;зал\n' + 'Когда открыта касса музея?;Касса открыта с девяти часов утра.;250;большой\n'
  // windows-1251: the letters from А on are in one row.
  const bytes = Buffer.from(
    [...words].map(each => (each >= 'А' ? each.codePointAt(0)! - 0x410 + 0xc0 : each.charCodeAt(0))),
  )
  const eml = multipart('mixed', [part('text/plain', 'See the table.'), part('text/csv', bytes, 'faq.csv')])
  const path = `${t.testdir({ 'a.eml': eml })}/a.eml`
  const { documents, faults } = await read(path, { columns: ['цена'] })
  t.match(documents[1], { title: 'Когда открыта касса музея?', text: /с девяти часов утра\.[^]*цена: 250$/ })
  t.strictSame(faults, [
    {
      path: `${path}/faq.csv`,
      source: 'a.eml',
      reason: 'states no encoding and was read as windows-1251; check the text, and save it as UTF-8',
    },
  ])
})

t.test('HTML: used for a table, or if there is no plain text', async t => {
  const table = '<table><tr><th>Item</th><th>Price</th></tr><tr><td>Boat</td><td>35</td></tr></table>'
  const folder = t.testdir({
    'layout.eml': multipart('alternative', [
      part('text/plain', 'The plain text.'),
      part('text/html', '<table><tr><td><p>The layout.</p></td></tr></table>'),
    ]),
    'table.eml': multipart('alternative', [part('text/plain', 'Item Price Boat 35'), part('text/html', table)]),
    'only.eml': mail(['Subject: S', 'Content-Type: text/html', '', '<h1>Offer</h1><p>Only <b>today</b>.</p>']),
  })
  const { documents } = await read(folder)
  const [layout, only, withTable] = documents.map(({ text }) => text)
  t.match(layout, /The plain text\.$/)
  t.match(only, /Offer\n\nOnly today\.$/)
  t.match(withTable, /\| Item \| Price \|\n\| Boat \| 35 \|$/)
  t.equal(documents[1]!.title, 'S')
})

t.test('a mailbox: each mail is a document, and a bad one does not end it', async t => {
  const mbox = [
    `From a Tue Jun 30 14:05:00 2026\r\n${mail(['Subject: One', '', 'First.', '', '>From here on it is quoted.'])}\r\n`,
    `From a Tue Jun 30 14:05:00 2026\n${mail(['Subject: Two', '', 'Second.'], ['From: b@example.org'])}\n`,
    'From a Tue Jun 30 14:05:00 2026\nno header\n\n',
    `From a Tue Jun 30 14:05:00 2026\n${mail(['Subject: One again', '', 'First.'])}\n`,
  ]
  const { documents, faults } = await read(`${t.testdir({ 'all.mbox': mbox.join('') })}/all.mbox`)
  t.equal(documents[0]!.source, 'all.mbox#m1@example.org')
  t.match(documents[0]!.text, /First\.\n\nFrom here on it is quoted\.$/)
  t.match(documents[1]!.source, /^all\.mbox#[\da-f]{16}$/)
  t.match(documents[1]!.text, /Second\.$/)
  t.strictSame(
    faults.map(({ line, reason }) => [line, reason]),
    [
      [20, 'is damaged or not a mail'],
      [23, 'is the same message as line 1'],
    ],
  )
})

t.test('a mail of more than 64 MB is refused, and so is such a message of a mailbox, but not the next one', async t => {
  const next = `From a Tue Jun 30 14:05:00 2026\n${mail(['Subject: Next', '', 'Small.'])}`
  const folder = t.testdir({ 'a.eml': '', 'b.mbox': 'From a Tue Jun 30 14:05:00 2026\nSubject: Large\n\n' })
  truncateSync(`${folder}/a.eml`, 64 * 2 ** 20 + 1)
  truncateSync(`${folder}/b.mbox`, 64 * 2 ** 20 + 1000)
  appendFileSync(`${folder}/b.mbox`, `\n\n${next}`)
  const { documents, faults } = await read(folder)
  t.strictSame(
    faults.map(({ reason }) => reason),
    ['is larger than 64 MB', 'has a message that is larger than 64 MB'],
  )
  t.match(documents, [{ text: /Small\.$/ }])
})

t.test('what cannot be read says why', async t => {
  const folder = t.testdir({
    'a.eml': 'no mail at all',
    'b.eml': mail(['Subject: S', 'Content-Type: application/pkcs7-mime; smime-type=enveloped-data', '', 'x']),
    'c.eml': mail(['Subject: S', '', '-----BEGIN PGP MESSAGE-----', '', 'x', '-----END PGP MESSAGE-----']),
    'd.eml': mail(['Subject: S', '', ' ']),
    'e.mbox': 'no mailbox',
    'f.eml': mail([
      'Subject: S',
      ...Array.from({ length: 300 }, (_, i) => `Content-Type: multipart/mixed; boundary="b${i}"\r\n\r\n--b${i}`),
    ]),
  })
  t.strictSame((await read(folder)).reasons, [
    'is damaged or not a mail',
    'is encrypted (S/MIME); save it decrypted',
    'is encrypted (PGP); save it decrypted',
    'has no text',
    'is damaged or not a mailbox (mbox)',
    'is nested too deeply',
  ])
})

t.test('a signed text is read without its armor', async t => {
  const body = [
    '-----BEGIN PGP SIGNED MESSAGE-----',
    'Hash: SHA512',
    '',
    'The text.',
    '-----BEGIN PGP SIGNATURE-----',
    'abc',
    '-----END PGP SIGNATURE-----',
  ]
  const { documents } = await read(`${t.testdir({ 's.eml': mail(['Subject: S', '', ...body]) })}/s.eml`)
  t.match(documents[0]!.text, /2026-06-30\n\nThe text\.$/)
})
