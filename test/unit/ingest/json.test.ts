import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { JsonScanner } from '../../../src/ingest/readers/rows/json-structure.ts'
import type { SourceDocument } from '../../../src/ingest/terms.ts'
import { readPaths } from '../../support/read-paths.ts'

async function read(t: Test, name: string, text: string | Buffer) {
  const path = join(t.testdir(), name)
  writeFileSync(path, text)
  const documents: SourceDocument[] = []
  const faults: string[] = []
  for await (const result of readPaths([path])) {
    if ('fault' in result) faults.push(`${result.fault.line ?? ''}: ${result.fault.reason}`)
    else documents.push(result.document)
  }
  return { documents, faults }
}

t.test('an array of objects is rows, and a faulty one is named by its line', async t => {
  const text = `[
  {"id": "k-100", "title": "Kayak", "text": "Two seats, [stable] and {light}, says \\"Jo\\".", "price": 40},
  7,
  {"title": "Oar", "text": "A pair,
  of wood."},
  {"title": "Vest", "text": "Red.", "price": 5}
]`
  const { documents, faults } = await read(t, 'boats.json', text)
  t.match(documents, [
    {
      title: 'Kayak',
      text: 'Two seats, [stable] and {light}, says "Jo".\nprice: 40',
      metadata: { price: 40 },
      keywords: 'k-100',
    },
    { title: 'Vest', text: 'Red.\nprice: 5' },
  ])
  t.equal(documents.length, 2)
  t.equal(documents[0]!.source.split('#')[1], 'k-100')
  t.strictSame(faults, ['3: is not a JSON object', '4: is not valid JSON'])
})

t.test('an object that is mostly one array of objects is rows; a smaller array is a detail', async t => {
  const items = Array.from({ length: 5 }, (_, i) => ({
    title: `Path ${i}`,
    text: `A path of ${i + 2} km along the river.`,
  }))
  const wrapped = await read(t, 'a.json', JSON.stringify({ count: 5, next: null, 'the "items"': items }))
  t.strictSame(
    wrapped.documents.map(({ title }) => title),
    items.map(({ title }) => title),
  )
  const settings = { name: 'mill', description: 'Grinds grain. '.repeat(40), people: [{ name: 'Ann' }, { name: 'Bo' }] }
  const whole = await read(t, 'b.json', JSON.stringify(settings))
  t.equal(whole.documents.length, 1)
  t.match(whole.documents[0], { title: 'mill', source: 'b.json' })
  t.match(whole.documents[0]!.text, /^name: mill\n/)
  t.match(whole.documents[0]!.text, /\npeople\[1\]\.name: Ann\npeople\[2\]\.name: Bo$/)
})

t.test('objects one after the other are read as JSON lines', async t => {
  const { documents } = await read(t, 'a.json', '{"text": "one"}\n{"text": "two"}\n')
  t.strictSame(
    documents.map(({ text }) => text),
    ['one', 'two'],
  )
})

t.test('other JSON is a document; what is no JSON, ends early or has no text is a fault', async t => {
  t.match((await read(t, 'a.json', '["red", "green"]')).documents, [{ text: '- red, green' }])
  t.match((await read(t, 'a.json', Buffer.from('\ufeff{"a": {"b": true}}', 'utf16le'))).documents, [
    { text: 'a.b: true' },
  ])
  t.match((await read(t, 'a.json', '{"a": 1,}')).faults, [/^: is not valid JSON: /])
  t.match((await read(t, 'a.json', '{}')).faults, [/has no text/])
  t.match((await read(t, 'a.json', '')).faults, [/is not valid JSON/])
  const cut = await read(t, 'a.json', '[{"text": "whole"}, {"text": "cu')
  t.match(cut.documents, [{ text: 'whole' }])
  t.strictSame(cut.faults, ['1: is not valid JSON'])
})

t.test('a hostile nesting is a fault', async t => {
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
  t.match((await read(t, 'a.json', deep)).faults, [/nested too deeply|has no text|not valid JSON/])
  const { documents, faults } = await read(t, 'b.json', `[{"text": "ok"}, {"text": "x", "y": ${deep}}]`)
  t.equal(documents.length + faults.length, 2)
  t.match(documents[0], { text: 'ok' })
})

t.test('items are found wherever the text is cut', async t => {
  const text = '{"a\\"b": [1], "rows": [{"x": "]}\\\\"}, {"y": [1, {"z": 2}]}], "end": {}}'
  for (let size = 1; size <= text.length; size++) {
    const scanner = new JsonScanner('rows', 1000)
    const items = []
    for (let at = 0; at < text.length; at += size) items.push(...scanner.push(text.slice(at, at + size)))
    t.strictSame(
      items.map(item => JSON.parse(item.text!) as unknown),
      [{ x: ']}\\' }, { y: [1, { z: 2 }] }],
      `${size}`,
    )
    t.ok(scanner.end().isWhole)
  }
})
