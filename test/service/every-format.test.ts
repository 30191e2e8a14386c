import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import t from 'tap'
import { knownFormats } from '../../src/ingest/formats.ts'
import { anyWorld, databaseSettings, startApp } from '../support/app.ts'
import { runCliProcess } from '../support/cli.ts'
import { archive, epub } from '../support/office-files.ts'
import { placedPdf } from '../support/pdf-pages.ts'

/**
 * A folder with a document of every format is loaded as users load it and asked. Each answer is only in a row of a
 * table, a numbered item, a link or a form of its document.
 */

interface Asked {
  readonly question: string
  readonly answer: RegExp
  /** What the citation names. */
  readonly title: RegExp
  readonly url?: RegExp
  readonly page?: number
}

interface Sample {
  /** Name of a fixture, or the content. */
  readonly from?: string
  readonly content?: string | Buffer
  readonly asked: readonly Asked[]
}

const officeNames = [
  'office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"',
  'text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"',
  'table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"',
  'draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"',
  'xlink="http://www.w3.org/1999/xlink"',
  'presentation="urn:oasis:names:tc:opendocument:xmlns:presentation:1.0"',
].map(name => `xmlns:${name}`)

/** An OpenDocument file with the content of `<office:body>`. */
function openDocument(kind: string, body: string): Buffer {
  return archive({
    mimetype: `application/vnd.oasis.opendocument.${kind}`,
    'content.xml': `<?xml version="1.0"?><office:document-content ${officeNames.join(' ')}><office:body>${body}</office:body></office:document-content>`,
  })
}

const cells = (row: readonly string[]) =>
  `<table:table-row>${row.map(cell => `<table:table-cell office:value-type="string"><text:p>${cell}</text:p></table:table-cell>`).join('')}</table:table-row>`

const samples: Readonly<Record<string, Sample>> = {
  'guide.md': {
    content: `---
url: https://example.org/guide
---
# Orchard guide

## Varieties

| Apple | Harvest | Keeps |
|---|---|---|
| Topaz | late September | until March |
| Elstar | mid August | until Christmas |

## Visits

Groups [book a tasting](https://example.org/tasting) online.
`,
    asked: [
      {
        question: 'Until when does Topaz keep?',
        answer: /until March/,
        title: /Orchard guide › Varieties/,
        url: /#varieties$/,
      },
      {
        question: 'Where do groups book a tasting?',
        answer: /https:\/\/example\.org\/tasting/,
        title: /Visits/,
        url: /#visits$/,
      },
    ],
  },
  'lamps.txt': {
    content:
      'Lamp room\n\n1. Sign the lamp register.\n2. Take the brass token from the foreman.\n3. Test the flame in the lock chamber.\n',
    asked: [
      { question: 'What do I take from the foreman of the lamp room?', answer: /brass token/, title: /Lamp room/ },
    ],
  },
  'ferry.html': {
    content: `<html lang="en"><head><title>Ferry</title><link rel="canonical" href="https://example.org/ferry"></head><body><nav><a href="/">Home</a></nav><main>
<h1>Ferry</h1><h2 id="cars">Cars on the ferry</h2><table><tr><th>Vehicle</th><th>Ticket</th></tr><tr><td>Motorcycle</td><td>11<sup>50</sup> crowns</td></tr><tr><td>Caravan</td><td>86 crowns</td></tr></table>
<details id="dogs"><summary>May dogs travel on the ferry?</summary><p>Yes, ask the purser at <a href="tel:+4781549">extension 49</a>.</p></details></main></body></html>`,
    asked: [
      {
        question: 'What is the ticket for a motorcycle?',
        answer: /11⁵⁰ crowns/,
        title: /Ferry › Cars on the ferry/,
        url: /ferry#cars$/,
      },
      {
        question: 'May dogs travel on the ferry?',
        answer: /tel:\+4781549/,
        title: /May dogs travel/,
        url: /ferry#dogs$/,
      },
    ],
  },
  'tower.xhtml': {
    content: `<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title>Bell tower</title></head><body><h1>Bell tower</h1><h2>Climbing the tower</h2><ol start="4"><li>Leave your bag with the sexton.</li><li>Count the ninety steps aloud.</li></ol></body></html>`,
    asked: [
      {
        question: 'What is step 5 of climbing the tower?',
        answer: /5\. Count the ninety steps/,
        title: /Climbing the tower/,
      },
    ],
  },
  'kiln.adoc': {
    content:
      '= Kiln manual\n\n== Firing temperatures\n\n|===\n|Glaze |Temperature\n\n|Celadon |1260 degrees\n|Majolica |1040 degrees\n|===\n',
    asked: [
      { question: 'At what temperature is celadon glaze fired?', answer: /1260 degrees/, title: /Firing temperatures/ },
    ],
  },
  'loom.rst': {
    content:
      'Loom handbook\n=============\n\nYarn counts\n-----------\n\n======== =======\nFabric   Threads\n======== =======\nDamask   48\nGingham  22\n======== =======\n',
    asked: [{ question: 'How many threads has damask fabric?', answer: /Damask \| 48/, title: /Yarn counts/ }],
  },
  'works.pdf': {
    from: 'pdf/works.pdf',
    asked: [
      {
        question: 'What is the fee for course 35?',
        answer: /Course 35 \| 545 euros/,
        title: /Mill Lane Works.*Fees/,
        page: 2,
      },
    ],
  },
  'lease.pdf': {
    content: placedPdf([
      {
        texts: [
          { text: 'Lease of the windmill', at: [60, 760], size: 20 },
          { text: 'The lease of the windmill is signed by both sides and kept by the notary.', at: [60, 730] },
          { text: 'Name of the miller', at: [60, 700] },
          { text: 'Rent of the windmill', at: [60, 680] },
        ],
        annotations: [
          '/Subtype/Widget/FT/Tx/T(a)/V(Ada Marlowe)/Rect[200 696 400 712]',
          '/Subtype/Widget/FT/Tx/T(b)/V(410 ducats)/Rect[200 676 400 692]',
        ],
      },
    ]),
    asked: [
      { question: 'What is the name of the miller?', answer: /Ada Marlowe/, title: /Lease of the windmill/, page: 1 },
    ],
  },
  'harbour.docx': {
    from: 'harbour.docx',
    asked: [
      {
        question: 'What is the fee for the north pier in winter?',
        answer: /North pier \| winter \| 15 euros/,
        title: /2\.1 Fees/,
      },
      { question: 'Where do I book a berth?', answer: /harbour\.example\.org\/book/, title: /2\.2 Booking/ },
    ],
  },
  'bakery.odt': {
    content: openDocument(
      'text',
      `<office:text><text:h text:outline-level="1">Bakery</text:h><text:h text:outline-level="2">Loaves</text:h><table:table>${cells(['Loaf', 'Weight'])}${cells(['Rye sourdough', '1350 grams'])}${cells(['Baguette', '250 grams'])}</table:table></office:text>`,
    ),
    asked: [{ question: 'How heavy is a rye sourdough loaf?', answer: /1350 grams/, title: /Bakery.*Loaves/ }],
  },
  'chapel.rtf': {
    content: String.raw`{\rtf1\ansi {\b Chapel rules}\par {\listtext 1.\tab}Ring the bell before noon.\par {\listtext 2.\tab}The organ key hangs in the vestry cupboard.\par}`,
    asked: [{ question: 'Where does the organ key hang?', answer: /vestry cupboard/, title: /chapel/i }],
  },
  'prices.xlsx': {
    from: 'prices.xlsx',
    asked: [{ question: 'What is the price of a kayak?', answer: /Kayak \| 35\.00 €/, title: /Prices/ }],
  },
  'course.pptx': {
    from: 'course.pptx',
    asked: [
      { question: 'When does the beginners course start?', answer: /Beginners \| 4 May/, title: /Dates/, page: 2 },
    ],
  },
  'tides.ods': {
    content: openDocument(
      'spreadsheet',
      `<office:spreadsheet><table:table table:name="Tides">${cells(['Port', 'High water'])}${cells(['Scarborough', '04:10'])}${cells(['Whitby', '07:35'])}</table:table></office:spreadsheet>`,
    ),
    asked: [{ question: 'When is high water in Whitby?', answer: /Whitby \| 07:35/, title: /Tides/ }],
  },
  'bees.odp': {
    content: openDocument(
      'presentation',
      `<office:presentation>${['Hives', 'Honey yield'].map((name, i) => `<draw:page draw:name="p${i}"><draw:frame presentation:class="title"><draw:text-box><text:p>${name}</text:p></draw:text-box></draw:frame>${i === 0 ? '' : `<draw:frame><table:table>${cells(['Meadow', 'Yield'])}${cells(['Clover meadow', '31 kilograms'])}${cells(['Heather moor', '12 kilograms'])}</table:table></draw:frame>`}</draw:page>`).join('')}</office:presentation>`,
    ),
    asked: [
      {
        question: 'What is the honey yield of the heather moor?',
        answer: /Heather moor \| 12 kilograms/,
        title: /Honey yield/,
        page: 2,
      },
    ],
  },
  'comet.ipynb': {
    content: JSON.stringify({
      nbformat: 4,
      nbformat_minor: 5,
      metadata: { language_info: { name: 'python' } },
      cells: [
        {
          cell_type: 'markdown',
          metadata: {},
          source: [
            '# Comet orbits\n',
            '\n',
            '## Periods\n',
            '\n',
            '| Comet | Period |\n',
            '|---|---|\n',
            '| Encke | 3.3 years |\n',
            '| Tuttle | 13.6 years |\n',
          ],
        },
      ],
    }),
    asked: [
      {
        question: 'What is the period of comet Tuttle?',
        answer: /Tuttle \| 13\.6 years/,
        title: /Comet orbits.*Periods/,
      },
    ],
  },
  'tour.srt': {
    content:
      '1\n00:00:01,000 --> 00:00:04,000\nWelcome to the salt mine.\n\n2\n00:02:05,000 --> 00:02:09,000\nThe underground lake is nine metres deep.\n',
    asked: [{ question: 'How deep is the underground lake?', answer: /nine metres/, title: /00:02:05/ }],
  },
  'atlas.epub': {
    content: epub({
      'one.xhtml':
        '<html xmlns="http://www.w3.org/1999/xhtml"><body><h1>Lighthouses</h1><table><tr><th>Lighthouse</th><th>Flashes</th></tr><tr><td>Lindesnes</td><td>every 20 seconds</td></tr><tr><td>Ryvingen</td><td>every 40 seconds</td></tr></table></body></html>',
    }),
    asked: [
      {
        question: 'How often does the Ryvingen lighthouse flash?',
        answer: /Ryvingen \| every 40 seconds/,
        title: /Lighthouses/,
      },
    ],
  },
  'quarry.eml': {
    content: [
      'From: Ida <ida@example.org>',
      'To: office@example.org',
      'Subject: Granite order of the quarry',
      'Date: Tue, 30 Jun 2026 14:05:00 +0200',
      'MIME-Version: 1.0',
      'Content-Type: multipart/mixed; boundary="b"',
      '',
      '--b',
      'Content-Type: text/plain',
      '',
      '1. Kerb stones: forty pallets.',
      '2. Cobbles: seventeen pallets.',
      '--b',
      'Content-Type: text/csv; name="slabs.csv"',
      'Content-Disposition: attachment; filename="slabs.csv"',
      '',
      'slab,finish',
      'Porphyry slab,flamed and brushed',
      '--b',
      'Content-Type: application/octet-stream; name="plan.dwg"',
      'Content-Disposition: attachment; filename="plan.dwg"',
      '',
      'x',
      '--b--',
      '',
    ].join('\r\n'),
    asked: [
      {
        question: 'How many pallets of cobbles are in the granite order?',
        answer: /seventeen pallets/,
        title: /Granite order/,
      },
      { question: 'What finish has the porphyry slab?', answer: /flamed and brushed/, title: /slab/i },
    ],
  },
  'list.mbox': {
    content:
      'From ida@example.org Tue Jun 30 14:05:00 2026\nFrom: ida@example.org\nMessage-ID: <club1@example.org>\nSubject: Rowing club keys\n\nThe spare oar locks are in [locker](https://example.org/locker) B7.\n\nFrom ida@example.org Tue Jun 30 15:05:00 2026\nFrom: ida@example.org\nMessage-ID: <club2@example.org>\nSubject: Boathouse\n\n1. The boathouse alarm code is renewed by Petra.\n',
    asked: [{ question: 'Who renews the boathouse alarm code?', answer: /Petra/, title: /Boathouse/ }],
  },
  'seeds.csv': {
    content:
      'name;description;Sowing depth\nSquash;A squash with orange flesh and a long vine.;three centimetres\nParsnip;A root that tastes sweet after frost.;one centimetre\n',
    asked: [{ question: 'What is the sowing depth of squash?', answer: /three centimetres/, title: /Squash/i }],
  },
  'faq.jsonl': {
    content:
      '{"id":"a","title":"Sauna","text":"The sauna is open on Fridays.","Towel hire":"six francs"}\n{"id":"b","title":"Gym","text":"The gym is open daily.","Towel hire":"none"}\n',
    asked: [{ question: 'What is the towel hire of the sauna?', answer: /six francs/, title: /Sauna/ }],
  },
  'trams.json': {
    content: JSON.stringify({
      lines: [
        { title: 'Tram 9', text: 'Tram 9 runs along the quay.', depot: 'Marshall yard' },
        { title: 'Tram 4', text: 'Tram 4 runs to the zoo.', depot: 'Elm street' },
      ],
    }),
    asked: [{ question: 'Which depot has tram 4?', answer: /Elm street/, title: /Tram 4/ }],
  },
}

const fixtures = new URL('../fixtures/documents/', import.meta.url)

t.test('a folder with every format: loaded, and each answers what only its own mark-up holds', async t => {
  const cwd = t.testdir()
  mkdirSync(join(cwd, 'all'))
  for (const [name, { from, content }] of Object.entries(samples)) {
    const path = join(cwd, 'all', name)
    if (from === undefined) writeFileSync(path, content!)
    else copyFileSync(new URL(from, fixtures), path)
  }
  writeFileSync(join(cwd, 'all', 'old.doc'), 'x')
  writeFileSync(join(cwd, 'all', 'photo.png'), 'x')
  const endings = Object.keys(samples).map(name => extname(name))
  for (const { name, extensions } of knownFormats)
    t.ok(
      extensions.some(extension => endings.includes(extension)),
      `${name} has a file here`,
    )

  const env = await databaseSettings(t, anyWorld)
  const loaded = await runCliProcess(['ingest', 'all', '--json'], { cwd, env })
  t.equal(loaded.code, 3, 'problems, and everything else is loaded')
  t.match(loaded.json, { added: 28, documents: 28, faults: 5, skipped: { unsupported: 1, picture: 1 } })
  t.strictSame(loaded.stderr.trimEnd().split('\n').toSorted(), [
    'all/faq.jsonl: asked about: Towel hire',
    'all/quarry.eml/slabs.csv: asked about: slab, finish',
    'all/seeds.csv: asked about: description, Sowing depth',
    'all/trams.json: asked about: depot',
    'askwell: all/course.pptx: has hidden slides, which were left out: 3',
    'askwell: all/old.doc: has an unsupported format; save it as .docx or .pdf',
    'askwell: all/prices.xlsx: has hidden rows or columns, which were left out, in Prices',
    'askwell: all/prices.xlsx: has hidden sheets, which were left out: Costs',
    'askwell: all/quarry.eml: has attachments of a format that is not supported: plan.dwg',
  ])

  const app = await startApp(t, anyWorld, { ...env, CHAT_MODEL: 'none' })
  for (const [name, { asked }] of Object.entries(samples))
    for (const { question, answer, title, url, page } of asked)
      await t.test(`${name}: ${question}`, async t => {
        const { json } = await app.ask({ question })
        t.match(json.answer, answer)
        t.match(json.citations[0]?.title, title)
        if (url !== undefined) t.match(json.citations[0]?.url, url)
        if (page !== undefined) t.equal(json.citations[0]?.page, page)
        if (!t.passing()) t.comment(json)
      })
})
