import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { bytesOf, findFiles } from '../../../src/ingest/find-files.ts'
import { readPaths } from '../../support/read-paths.ts'

async function read(...paths: string[]) {
  const sources: string[] = []
  const faults: string[] = []
  for await (const result of readPaths(paths)) {
    if ('fault' in result) faults.push(`${result.fault.path} ${result.fault.reason}`)
    else sources.push(result.document.source)
  }
  return { sources, faults }
}

/** Runs with the working directory set to `folder`. Files run in processes of their own, tests one by one. */
async function within<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const before = process.cwd()
  process.chdir(folder)
  try {
    return await work()
  } finally {
    process.chdir(before)
  }
}

const tree = {
  docs: {
    'b.md': 'b',
    'a.txt': 'a',
    'picture.png': 'x',
    '.hidden.md': 'h',
    '.git': { 'c.md': 'c' },
    node_modules: { p: { 'README.md': 'p' } },
    sub: { 'c.HTML': '<p>c' },
  },
}

t.test('a folder: its known files in order, without hidden ones and node_modules', async t => {
  const folder = t.testdir(tree)
  t.strictSame(await within(folder, () => read('docs')), {
    sources: ['docs/a.txt', 'docs/b.md', 'docs/sub/c.HTML'],
    faults: [],
  })
})

t.test('what is named outright is read: a hidden file, node_modules', async t => {
  const folder = t.testdir(tree)
  const { sources } = await within(folder, () =>
    read('docs/.hidden.md', './docs/node_modules/', 'docs/*/p/*.md', 'docs/node_modules/*/*.md'),
  )
  t.strictSame(sources, ['docs/.hidden.md', 'docs/node_modules/p/README.md'])
})

t.test('a glob gives the same sources as its folder', async t => {
  const folder = t.testdir(tree)
  const { sources } = await within(folder, () => read('docs/**/*.{md,HTML,png}'))
  t.strictSame(sources, ['docs/b.md', 'docs/sub/c.HTML'])
})

t.test('sources are the same in any working directory', async t => {
  const folder = t.testdir(tree)
  const expected = ['docs/a.txt', 'docs/b.md', 'docs/sub/c.HTML']
  const inside = join(folder, 'docs/sub')
  t.strictSame((await read(join(folder, 'docs'))).sources, expected)
  t.strictSame((await within(inside, () => read('../../docs/'))).sources, expected)
  t.strictSame((await within(inside, () => read(join(folder, 'docs/**')))).sources, expected)
  t.strictSame((await within(folder, () => read('./docs', 'docs/b.md'))).sources, expected, 'each file once')
  t.strictSame((await read(join(folder, 'docs/b.md'))).sources, ['b.md'])
})

t.test('two files that would have one source: the second is a fault', async t => {
  const folder = t.testdir({ x: { docs: { 'a.md': '1' } }, y: { docs: { 'a.md': '2' } } })
  const { sources, faults } = await read(join(folder, 'x/docs'), join(folder, 'y/docs'))
  t.strictSame(sources, ['docs/a.md'])
  t.match(faults, [/would be stored as docs\/a\.md/])
})

t.test('faults: absent, unknown, empty; the rest is read', async t => {
  const folder = t.testdir({ 'a.md': 'a', 'b.xls': 'x', 'empty.md': ' \n', nothing: {} })
  const { sources, faults } = await within(folder, () =>
    read('absent.md', 'b.xls', 'empty.md', 'nothing', 'no*.md', 'a.md'),
  )
  t.strictSame(sources, ['a.md'])
  t.strictSame(faults, [
    'absent.md does not exist',
    'b.xls has an unknown format; supported extensions: .md, .markdown, .mdx, .txt, .html, .htm, .xhtml, .xht, .adoc, .asciidoc, .rst, .rest, .pdf, .docx, .csv, .jsonl, .ndjson',
    'empty.md has no text',
    'nothing contains no file of a supported format (.md, .markdown, .mdx, .txt, .html, .htm, .xhtml, .xht, .adoc, .asciidoc, .rst, .rest, .pdf, .docx, .csv, .jsonl, .ndjson)',
    'no*.md matches no file of a supported format (.md, .markdown, .mdx, .txt, .html, .htm, .xhtml, .xht, .adoc, .asciidoc, .rst, .rest, .pdf, .docx, .csv, .jsonl, .ndjson)',
  ])
})

t.test('a link to a folder above does not go round', async t => {
  const folder = t.testdir({ docs: { 'a.md': 'a' } })
  symlinkSync('..', join(folder, 'docs/up'))
  t.strictSame((await read(join(folder, 'docs'))).sources, ['docs/a.md'])
})

t.test(
  'a link to a file outside of the folder is a fault, one within it is a file, and one that is named is followed',
  async t => {
    const folder = t.testdir({ 'secret.txt': 'secret', docs: { 'a.md': 'a' } })
    symlinkSync('../secret.txt', join(folder, 'docs/users.txt'))
    symlinkSync('a.md', join(folder, 'docs/b.md'))
    symlinkSync('docs', join(folder, 'linked'))
    const reason = 'is a link to a file outside the folder; to load that file, name it itself'
    t.match(await read(join(folder, 'docs')), {
      sources: ['docs/a.md', 'docs/b.md'],
      faults: [`${folder}/docs/users.txt ${reason}`],
    })
    const named = await within(folder, () => read('docs/users.txt'))
    t.same([named.sources, named.faults], [['docs/users.txt'], []])
    t.match(await within(folder, () => read('linked')), { sources: ['linked/a.md', 'linked/b.md'] })
  },
)

t.test('README and index are called by their folder', async t => {
  const folder = t.testdir({ parser: { 'README.md': 'text' } })
  for await (const result of readPaths([folder])) t.match(result, { document: { title: 'parser' } })
})

t.test('a file larger than 64 MB that must be read whole is a fault', async t => {
  const folder = t.testdir()
  mkdirSync(join(folder, 'd'))
  writeFileSync(join(folder, 'd/big.txt'), Buffer.alloc(64 * 2 ** 20 + 1, 'x'))
  t.match((await read(join(folder, 'd'))).faults, [/is larger than 64 MB; split it/])
})

t.test('progress: what is reported adds up to what was measured', async t => {
  const folder = t.testdir({ 'a.md': 'a', 'b.jsonl': '{"text":"b"}\n{', 'c.pdf': 'no', 'd.csv': 'text\nd\n' })
  const found = await findFiles([folder, 'absent'])
  let read = 0
  for await (const _ of readPaths([folder], { onBytes: bytes => (read += bytes) }));
  t.equal(found.filter(each => !('fault' in each)).length, 4)
  t.equal(read, bytesOf(found))
})
