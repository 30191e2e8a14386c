import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { bytesOf, findFiles } from '../../../src/ingest/find-files.ts'
import { formatOf, knownEndings } from '../../../src/ingest/formats.ts'
import { skippedLine, type SkipReason } from '../../../src/ingest/unknown-files.ts'
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
  const folder = t.testdir({ 'a.md': 'a', 'b.qqq': 'x', 'empty.md': ' \n', nothing: {} })
  const { sources, faults } = await within(folder, () =>
    read('absent.md', 'b.qqq', 'empty.md', 'nothing', 'no*.md', 'a.md'),
  )
  t.strictSame(sources, ['a.md'])
  t.strictSame(faults, [
    'absent.md does not exist',
    `b.qqq has an unknown format; if it is text, rename it to .txt or .md (supported extensions: ${knownEndings})`,
    'empty.md has no text',
    `nothing contains no file of a supported format (${knownEndings})`,
    `no*.md matches no file of a supported format (${knownEndings})`,
  ])
})

t.test('pictures, archives and sounds that are named themselves: what to do with them', async t => {
  const folder = t.testdir({ 'a.PNG': 'x', 'b.zip': 'x', 'c.mp3': 'x' })
  const { faults } = await within(folder, () => read('a.PNG', 'b.zip', 'c.mp3'))
  t.strictSame(faults, [
    'a.PNG is a picture; to have its text recognized, save it as .pdf and set OCR_LANGUAGES',
    'b.zip is an archive; unpack it and load the folder',
    'c.mp3 is a sound or video; load its subtitles (.srt or .vtt)',
  ])
})

t.test('files of rows and mailboxes in which there is nothing are faults', async t => {
  const folder = t.testdir({ 'a.csv': 'name;price\n', 'b.tsv': '', 'c.jsonl': '\n', 'd.json': '[]', 'e.mbox': '' })
  const { sources, faults } = await within(folder, () => read('a.csv', 'b.tsv', 'c.jsonl', 'd.json', 'e.mbox'))
  t.strictSame(sources, [])
  t.strictSame(faults, [
    'a.csv has no rows',
    'b.tsv has no rows',
    'c.jsonl has no rows',
    'd.json has no text',
    'e.mbox has no mails',
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

async function found(path: string) {
  const counts: Partial<Record<SkipReason, number>> = {}
  const files: string[] = []
  const faults: string[] = []
  for (const each of await findFiles([path], {
    onSkipped: reason => void (counts[reason] = (counts[reason] ?? 0) + 1),
  })) {
    if ('fault' in each) faults.push(`${each.fault.source} ${each.fault.reason}`)
    else files.push(each.source)
  }
  return { counts, files, faults }
}

t.test('a folder: unread documents are named with what to do, other files are counted by their kind', async t => {
  const folder = t.testdir({
    docs: {
      'a.md': 'a',
      'old.wpd': 'WPC',
      'rules.doc': Buffer.from([0xd0, 0xcf, 0x11, 0xe0]),
      'notes.xyz': 'A text that somebody wrote.',
      README: 'Read this first.',
      'blob.xyz': Buffer.from([1, 2, 3, 0, 255]),
      'empty.xyz': '',
      'photo.JPG': 'x',
      'all.zip': 'PK',
      'talk.mp3': 'ID3',
      'a.woff2': 'x',
      'tool.py': 'print("a text, too")',
      Makefile: 'all:',
      '.secret.doc': 'x',
    },
  })
  const { counts, files, faults } = await within(folder, () => found('docs'))
  t.strictSame(files, ['docs/a.md'])
  t.equal(faults.length, 4)
  t.match(faults, [
    /^docs\/README has an unknown format; if it is text, rename it to \.txt or \.md/,
    /^docs\/notes\.xyz has an unknown format/,
    /^docs\/old\.wpd has an unsupported format; save it as \.docx or \.pdf$/,
    /^docs\/rules\.doc has an unsupported format; save it as \.docx or \.pdf$/,
  ])
  t.strictSame(counts, { unsupported: 4, data: 2, picture: 1, archive: 1, media: 1, font: 1, code: 2 })
  t.equal(skippedLine({ picture: 2, archive: 1 }), '2 pictures, 1 archive')
  const matched = await within(folder, () => found('docs/*'))
  t.strictSame([matched.faults, matched.counts], [faults, counts], 'a glob tells the same')
})

t.test('what is said about unknown formats gives way to formats that are supported', t => {
  for (const extension of ['.md', '.csv', '.tsv', '.json', '.pdf']) t.ok(formatOf(`a${extension}`), extension)
  t.end()
})

t.test('.askwellignore leaves out files and folders as .gitignore does, in folders and in globs', async t => {
  const folder = t.testdir({
    docs: {
      '.askwellignore': '# drafts\n*.draft.md\n/private/\n!keep.draft.md\n*.doc\n',
      'a.md': 'a',
      'b.draft.md': 'b',
      'keep.draft.md': 'k',
      'old.doc': 'x',
      private: { 'c.md': 'c' },
      sub: {
        '.askwellignore': '!b.draft.md\nlocal.md',
        'b.draft.md': 'b',
        'local.md': 'l',
        private: { 'd.md': 'd' },
      },
    },
  })
  const expected = ['docs/a.md', 'docs/keep.draft.md', 'docs/sub/b.draft.md', 'docs/sub/private/d.md']
  const { counts, files, faults } = await within(folder, () => found('docs'))
  t.strictSame([files, faults, counts], [expected, [], { ignored: 4 }])
  t.strictSame((await within(folder, () => found('docs/**'))).files, expected)
  t.strictSame((await within(folder, () => found('docs/b.draft.md'))).files, ['docs/b.draft.md'], 'named itself')
})

t.test('nothing is loaded from a folder whose .askwellignore cannot be used', async t => {
  const files = { 'a.md': 'a' }
  const folder = t.testdir({
    large: { '.askwellignore': 'private/\n'.repeat(20_000), ...files },
    long: { '.askwellignore': `a\n${'a'.repeat(60_000)}`, ...files },
    slow: { '.askwellignore': `${'*a'.repeat(20)}b`, ...files, [`${'a'.repeat(150)}.md`]: 'c' },
    deep: { '.askwellignore': `${'**/a/'.repeat(20)}b`, ...files },
    folder: { '.askwellignore': {}, ...files },
    'z.md': 'z',
  })
  const { files: read, faults } = await within(folder, () => found('.'))
  t.strictSame(read, ['z.md'])
  t.equal(faults.length, 5)
  t.ok(
    faults.every(fault => /^(?:large|long|slow|deep|folder) is not loaded/.test(fault)),
    'of the folder, which spares its documents from --prune',
  )
  t.strictSame((await within(folder, () => found('**'))).files, ['z.md'])
})
