import t from 'tap'
import { documentFrom } from '../../../src/ingest/document-from.ts'
import { sourceFault } from '../../../src/ingest/source-name.ts'

t.test('names that documents can be stored under', async t => {
  for (const source of [
    'a',
    'docs/a.md',
    'Студенту/правила.md',
    '👩‍👩‍👧',
    '.',
    '#',
    'a'.repeat(2500),
    `${'я'.repeat(1250)}\u200b\u200b`,
    ' a ',
  ])
    t.equal(sourceFault(source), null, source.slice(0, 20))
})

t.test('names of what nobody sees', async t => {
  for (const source of [
    '',
    ' ',
    '\t\n',
    '\u0001\u009b',
    '\u00ad',
    '\u200b\ufeff',
    '\u200c\u200d',
    '\u2060',
    '\u3164',
    '\u115f',
    '\u2800',
    '\ufe0f',
    '\u{e0041}',
    '\u202e',
    '\u00a0 \u3000',
  ]) {
    t.match(sourceFault(source), /^consists of invisible characters only/, JSON.stringify(source))
  }
})

t.test('names that are too long: counted as they are stored, in bytes', async t => {
  t.match(sourceFault('a'.repeat(2501)), /^takes 2501 bytes in UTF-8, but the limit is 2500; shorten it$/)
  t.match(sourceFault('я'.repeat(1251)), /^takes 2502 bytes/)
  t.match(sourceFault('\u0958'.repeat(833)), /^takes 4998 bytes/, 'composed in another way than it was given')
})

t.test('whoever makes a document of such a name fails, before a database does', async t => {
  for (const source of ['\u200b', 'a'.repeat(3000)])
    t.throws(() => documentFrom({ source, text: 'x' }), { name: 'UnreadableError', message: /^has a source that / })
})
