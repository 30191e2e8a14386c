import t from 'tap'
import { openZip } from '../../../src/ingest/readers/zip.ts'
import { parseXml, textIn, walkXml } from '../../../src/ingest/readers/xml.ts'
import { zip } from '../../support/zip.ts'

t.test('an archive gives its files on demand, and null for others', async t => {
  const archive = await openZip(zip({ 'a/b.txt': Buffer.from('text'), 'c.txt': Buffer.from('more') }))
  t.strictSame(archive.names, ['a/b.txt', 'c.txt'])
  t.equal(String(await archive.bytes('a/b.txt')), 'text')
  t.equal(await archive.bytes('absent'), null)
})

t.test('an archive that unpacks to far more than its size is refused before it is in memory', async t => {
  const bomb = zip({ a: Buffer.alloc(64 * 2 ** 20) })
  t.ok(bomb.length < 2 ** 17)
  const archive = await openZip(bomb)
  let most = 0
  const unpack = async () => {
    for await (const chunk of archive.stream('a')) most += chunk.length
  }
  await t.rejects(unpack(), { message: 'unpacks to far more than its size' })
  t.ok(most <= 32 * 2 ** 20)
  const limits = { entries: 10, unpackedBytes: 1000, ratio: 200 }
  const repeated = await openZip(zip({ a: Buffer.alloc(600) }), limits)
  t.equal((await repeated.bytes('a'))!.length, 600)
  await t.rejects(repeated.bytes('a'), { message: 'unpacks to far more than its size' }, 'read again, it counts again')
  const many = Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`${i}`, Buffer.from('')]))
  await t.rejects(openZip(zip(many), limits), { message: 'has too many files inside' })
})

t.test('encrypted and damaged entries are errors', async t => {
  const whole = zip({ a: Buffer.from('text that is packed') })
  const encrypted = Buffer.from(whole)
  encrypted[whole.indexOf('PK\x01\x02') + 8]! |= 1
  await t.rejects((await openZip(encrypted)).bytes('a'), { message: 'is protected by a password; remove it first' })
  const changed = Buffer.from(whole)
  changed.writeUInt32LE(1, whole.indexOf('PK\x01\x02') + 16)
  await t.rejects((await openZip(changed)).bytes('a'), { message: 'wrong checksum' })
})

t.test('XML: names without prefixes, attributes with the usual ones, in any encoding that has a mark', async t => {
  const xml =
    '<?xml version="1.0"?><x:a xmlns:x="urn:x" xmlns:q="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><x:b id="1" q:id="2">é</x:b></x:a>'
  for (const bytes of [Buffer.from(xml), Buffer.from(`\ufeff${xml}`, 'utf16le'), Buffer.from(`\ufeff${xml}`)]) {
    const root = await parseXml([bytes.subarray(0, 201), bytes.subarray(201)])
    const [inside] = root.children
    t.match(inside, { name: 'b', attributes: { id: '1', 'r:id': '2' } })
    t.equal(textIn(root), 'é')
  }
})

t.test('XML: no entities of its own, no other files, no endless depth, no elements without end', async t => {
  const laughs = '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;">]><a>&c;</a>'
  const outside = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'
  for (const bad of [laughs, outside, '<a>', '<a></b>', 'no', '']) await t.rejects(parseXml([Buffer.from(bad)]), bad)
  await t.rejects(parseXml([Buffer.from('<a>'.repeat(5000))]), { message: 'nested too deeply' })
  const empty = Buffer.from('<a/>'.repeat(10_000))
  async function* endless() {
    yield Buffer.from('<r>')
    for (;;) yield empty
  }
  await t.rejects(parseXml(endless(), { mostNodes: 50_000 }), { message: /^has too many parts/ })
  let count = 0
  await walkXml([Buffer.from('<r>'), empty, Buffer.from('</r>')], { open: () => void (count += 1), close: () => {} })
  t.equal(count, 10_001)
})
