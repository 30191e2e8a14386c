import { readFileSync } from 'node:fs'
import t from 'tap'
import { documentFrom } from '../../../src/ingest/document-from.ts'

const fixture = (name: string): string => readFileSync(new URL(`../../fixtures/${name}`, import.meta.url), 'utf8')
const markdown = (text: string) => documentFrom({ source: 'notes/page.md', text })

t.test('front matter: title, url and language are the document’s, the rest is metadata', async t => {
  const document = markdown(fixture('library.md'))
  t.equal(document.title, 'The library')
  t.equal(document.url, 'https://example.org/library')
  t.equal(document.language, 'en')
  t.strictSame(document.metadata, { faculty: 'law', year: 2026, tags: ['books', 'rules'] })
})

t.test('text: markup goes, what one needs to follow it stays', async t => {
  t.equal(
    markdown(fixture('library.md')).text,
    `Rules

Readers may borrow up to [ten books](https://example.org/ten) at once. Write to <your-token>.
Be quiet.

A map of the reading room

Note: Food stays outside.

Opening hours

| Day | Hours |
| Monday | 9–18 |
| Sunday | closed |

1. Ring the bell.
2. Wait:
  - inside
  - outside

\`\`\`js
// # not a heading
const open = true
\`\`\`

Opening hours

In summer

Shorter, see below.

Ünïcode & more?

Done.`,
  )
})

t.test('sections: each begins with its heading and knows the path and GitHub’s anchor', async t => {
  const { text, sections } = markdown(fixture('library.md'))
  const seen = sections.map(({ start, end, headings, anchor }) => [
    text.slice(start, end).split('\n')[0],
    headings,
    anchor,
  ])
  t.strictSame(seen, [
    ['Rules', ['Rules'], 'rules'],
    ['Opening hours', ['Rules', 'Opening hours'], 'opening-hours'],
    ['Opening hours', ['Rules', 'Opening hours'], 'opening-hours-1'],
    ['In summer', ['Rules', 'Opening hours', 'In summer'], 'opening-hours-1'],
    ['Ünïcode & more?', ['Rules', 'Opening hours', 'Ünïcode & more?'], 'ünïcode--more'],
  ])
})

t.test('title: the first main heading, else the name', async t => {
  t.equal(markdown('# One *thing*\n\ntext').title, 'One thing')
  t.strictSame(
    markdown('# One\n\na\n\n## Two\n\nb').sections.map(section => section.headings),
    [[], ['Two']],
  )
  t.equal(markdown('just text').title, 'page')
  t.equal(markdown('intro\n\n# One\n\na\n\n# Two\n\nb').title, 'page', 'of several below the top none is the title')
  t.equal(documentFrom({ source: 'a', text: '# One', title: 'Given' }).title, 'Given')
})

t.test('rules that are no front matter are text', async t => {
  t.match(markdown('---\nDear reader\n---\n\nmore').text, 'Dear reader')
})

t.test('raw HTML: blocks are read, comments dropped, scripts never text', async t => {
  const { text, title } = markdown(
    '<h1 align="center">Big</h1>\n\n<!-- no -->\n\n<script>alert(1)</script>\n\n<p>one<br>two</p>\n',
  )
  t.equal(title, 'Big')
  t.equal(text, 'Big\n\none\ntwo')
})

t.test('a fence is longer than the backticks within', async t => {
  t.equal(markdown('````md\n```js\n1\n```\n````').text, '````md\n```js\n1\n```\n````')
})

t.test('MDX: imports, exports, comments and components go; code keeps them', async t => {
  const { readMarkdown } = await import('../../../src/ingest/readers/markdown/markdown.ts')
  const mdx =
    'import A from "a"\nexport const b = 1\n\n# T\n\n{/* no */}Say <Bold>hello</Bold>.\n\n```js\nimport x from "x"\n```\n'
  const texts = readMarkdown(mdx, { mdx: true }).blocks.map(block => block.text)
  t.strictSame(texts, ['T', 'Say hello.', '```js\nimport x from "x"\n```'])
})

t.test('text is clean: NFC, LF, no control characters, no half pairs', async t => {
  const { text } = documentFrom({
    source: 'a',
    format: 'text',
    text: 'e\u0301\r\nb\u0000\u0007c\ud800\u00add\u2028e\tf\u00a0g',
  })
  t.equal(text, 'é\nbc\ufffdd\ne\tf g')
})

t.test('Chinese lines are joined without a space, others with one', async t => {
  t.equal(markdown('中文\n中文\nand\nmore').text, '中文中文 and more')
})
