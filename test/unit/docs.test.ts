import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Nodes } from 'mdast'
import { fromMarkdown } from 'mdast-util-from-markdown'
import { gfmFromMarkdown } from 'mdast-util-gfm'
import { gfm } from 'micromark-extension-gfm'
import t from 'tap'
import { generateReference } from '../../docs/generate.ts'
import { runCli } from '../support/cli.ts'

/** The reference says what the code says, and every link in the documentation leads somewhere. */

const root = fileURLToPath(new URL('../../', import.meta.url))
const textOf = (path: string) => readFileSync(join(root, path), 'utf8')
const pages = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CODE_OF_CONDUCT.md',
  ...globSync(['{docs,deploy,eval}/**/*.md', 'bench/*.md'], { cwd: root }).sort(),
]

t.test('docs/reference is what docs/generate.ts makes of the code', async t => {
  for (const [path, text] of await generateReference()) {
    const stored = existsSync(join(root, path)) ? textOf(path) : ''
    t.ok(stored === text, `${path} is out of date: run npm run docs`)
  }
})

t.test('the reference of metrics has every metric that the service has', async t => {
  const names = Array.from(textOf('test/fixtures/metrics.txt').matchAll(/^\w+ (askwell_\w+)/gm), ([, name]) => name!)
  const page = textOf('docs/reference/metrics.md')
  t.ok(names.length > 80)
  t.same(
    names.filter(name => !page.includes(`| \`${name}\` |`)),
    [],
  )
})

t.test('the reference of the command line has every command and every global option', async t => {
  const { code, stdout } = await runCli(['--help'])
  t.equal(code, 0)
  const commands = Array.from(
    (stdout.split('Commands:\n')[1] ?? '').split('\n\n', 1)[0]!.matchAll(/^ {2}([a-z]+)/gm),
    ([, name]) => name!,
  ).filter(name => name !== 'help')
  const options = stdout.match(/^ {2}.*--[a-z]+/gm)?.map(line => line.match(/--[a-z]+/)![0])
  const page = textOf('docs/reference/cli.md')
  t.ok(commands.length > 5)
  for (const name of commands) t.match(page, new RegExp(`^## askwell ${name}( |$)`, 'm'))
  for (const option of options ?? []) t.ok(page.includes(option), option)
})

t.test('README.md has at most 6 kB', async t => t.ok(Buffer.byteLength(textOf('README.md')) <= 6 * 1024))

t.test('every relative link leads to a file, and every anchor to a heading', async t => {
  for (const page of pages) t.same(brokenLinks(page), [], page)
})

t.test('every page in docs/ is linked from another one', async t => {
  const linked = new Set(pages.flatMap(page => linksIn(page).flatMap(({ path }) => (path === page ? [] : [path]))))
  t.same(
    pages.filter(page => page.startsWith('docs/') && !linked.has(page)),
    [],
  )
})

interface Link {
  readonly url: string
  /** In the repository; a folder without a slash at its end. */
  readonly path: string
  readonly anchor: string
}

function brokenLinks(page: string): string[] {
  return linksIn(page)
    .filter(({ path, anchor }) => !existsSync(join(root, path)) || (anchor !== '' && !anchorsIn(path).has(anchor)))
    .map(({ url }) => url)
}

/** Relative ones. */
function linksIn(page: string): Link[] {
  return nodesOf(textOf(page)).flatMap(node => {
    const isLink = node.type === 'link' || node.type === 'image' || node.type === 'definition'
    if (!isLink || /^[a-z]+:/i.test(node.url)) return []
    const [path = '', anchor = ''] = node.url.split('#')
    return [{ url: node.url, path: path === '' ? page : join(dirname(page), path).replace(/\/$/, ''), anchor }]
  })
}

const known = new Map<string, ReadonlySet<string>>()

/** As GitHub makes them of headings. */
function anchorsIn(path: string): ReadonlySet<string> {
  const found = known.get(path)
  if (found) return found
  const anchors = new Set<string>()
  const isPage = path.endsWith('.md') && statSync(join(root, path)).isFile()
  for (const node of isPage ? nodesOf(textOf(path)) : []) {
    if (node.type !== 'heading') continue
    const slug = slugOf(wordsOf(node))
    let anchor = slug
    for (let again = 1; anchors.has(anchor); again++) anchor = `${slug}-${again}`
    anchors.add(anchor)
  }
  known.set(path, anchors)
  return anchors
}

function slugOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-')
}

function wordsOf(node: Nodes): string {
  if ('value' in node) return node.value
  return 'children' in node ? node.children.map(wordsOf).join('') : ''
}

function nodesOf(text: string): Nodes[] {
  return flat(fromMarkdown(text, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] }))
}

function flat(node: Nodes): Nodes[] {
  return 'children' in node ? [node, ...node.children.flatMap(flat)] : [node]
}
