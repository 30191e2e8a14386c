import t from 'tap'
import { documentFrom } from '../../../src/ingest/document-from.ts'
import { readHtml, readXhtml } from '../../../src/ingest/readers/html/html.ts'

/** What pages and Markdown say, whatever they are built with: superscripts, accordions, merged cells, links, tabs. */

const html = (text: string) => documentFrom({ source: 'a.html', format: 'html', text })
const markdown = (text: string) => documentFrom({ source: 'a.md', text })
const paths = ({ sections }: ReturnType<typeof html>) => sections.map(({ headings }) => headings.join(' › '))

t.test('superscripts and subscripts never become part of a number', async t => {
  const cases: readonly (readonly [string, string])[] = [
    ['costs €7<sup>20</sup> today', 'costs €7²⁰ today'],
    ['3 × 10<sup>-9</sup> m', '3 × 10⁻⁹ m'],
    ['CO<sub>2</sub> and x<sub>i</sub>', 'CO₂ and x_i'],
    ['Section 12<sup>4</sup>', 'Section 12⁴'],
    ['on the 21<sup>st</sup> of May, 1<sup>er</sup> mai', 'on the 21st of May, 1er mai'],
    ['80 beds<sup>[3]</sup>', '80 beds[3]'],
    ['80<sup><a href="#n3">[3]</a></sup> beds, 90<sup><a href="#n4">4</a></sup>', '80[3] beds, 90⁴'],
    ['60<sup>1, 2</sup> beds', '60¹ ² beds'],
    ['x<sup>n</sup>, 2<sup>x+1</sup>, Name<sup>TM</sup>', 'x^n, 2^x+1, Name™'],
    ['10<sup>2<sup>3</sup></sup>', '10^2³'],
    ['M<sup>me</sup> Roe', 'Mme Roe'],
    ['9<sup>,95</sup> euros', '9,95 euros'],
    ['a<sup></sup>b', 'ab'],
  ]
  for (const [written, read] of cases) {
    t.equal(html(`<p>${written}</p>`).text, read, `HTML: ${written}`)
    t.equal(markdown(written).text, read, `Markdown: ${written}`)
  }
  t.equal(markdown('| a | b |\n|---|---|\n| 4<sup>50</sup> | y |').text, '| a | b |\n| 4⁵⁰ | y |')
  t.equal(markdown('a 5<sup>7 that is never closed').text, 'a 57 that is never closed')
})

t.test('an accordion: questions on buttons are the headings of hidden answers', async t => {
  const page = html(`<main><h1>Pool</h1>
    <div><button aria-expanded="false" aria-controls="a">Is there a sauna?</button></div><div id="a" hidden>Yes.</div>
    <div><button data-bs-target="#b">Towels</button></div><div id="b" aria-hidden="true"><p>Two euros each.</p></div>
    <p><span role="button">May I bring a child?</span></p><div hidden><p>Children swim with an adult.</p></div>
    <h2>Place</h2><p>Mill Lane 4.</p><button>Copy</button></main>`)
  t.equal(
    page.text,
    'Pool\n\nIs there a sauna?\n\nYes.\n\nTowels\n\nTwo euros each.\n\nMay I bring a child?\n\nChildren swim with an adult.\n\nPlace\n\nMill Lane 4.',
  )
  t.strictSame(paths(page), ['', 'Is there a sauna?', 'Towels', 'May I bring a child?', 'Place'])
  t.equal(page.sections[1]!.anchor, 'a')
})

t.test('the anchor of a section: an id of the part that a heading begins, of <details>, or a named anchor', async t => {
  const page =
    html(`<main><h1>Ferry</h1><section id="fees"><h2>Fees</h2><p>Ten crowns.</p><h3>Children</h3><p>Free.</p></section>
    <div id="menu"><p>Above.</p><h2>Food</h2><p>Soup.</p></div><h2><a name="old"></a>Boats</h2><p>Two.</p>
    <details id="dogs"><summary>May dogs travel?</summary><p>Yes.</p></details>
    <details><summary id="cats">May cats travel?</summary><p>No.</p></details></main>`)
  t.strictSame(
    page.sections.map(({ headings, anchor }) => [headings.at(-1), anchor]),
    [
      [undefined, undefined],
      ['Fees', 'fees'],
      ['Children', 'fees'],
      ['Food', undefined],
      ['Boats', 'old'],
      ['May dogs travel?', 'dogs'],
      ['May cats travel?', 'cats'],
    ],
  )
})

t.test('tabs, details and terms title what they open, wherever it is', async t => {
  t.strictSame(
    paths(
      html(`<h1>Bus</h1><div role="tablist"><button role="tab" aria-controls="w">Weekdays</button><button role="tab" aria-controls="s">Sunday</button></div>
      <div id="s" role="tabpanel" hidden>Every hour.</div><div id="w" role="tabpanel">Every ten minutes.</div>`),
    ),
    ['', 'Sunday', 'Weekdays'],
  )
  t.equal(
    html('<dl><dt>Deposit</dt><dd>Two rents.</dd><dt>Keys?</dt><dd>Three.</dd></dl>').text,
    'Deposit: Two rents.\n\nKeys?\nThree.',
  )
  const noted = '<h1>A</h1><details><summary>In summer</summary><p>Until nine.</p></details><p>The rest.</p>'
  t.equal(html(noted).text, 'A\n\nIn summer: Until nine.\n\nThe rest.', 'no heading over text that follows')
  t.strictSame(paths(html(noted)), [''])
  t.strictSame(
    paths(
      markdown(
        '# A\n\n<details>\n<summary>B</summary>\n\n*c*\n\n</details>\n\n<details>\n<summary>D</summary>\n\ne\n\n</details>',
      ),
    ),
    ['', 'B', 'D'],
  )
})

t.test('furniture is told from content by what it holds', async t => {
  const prose = 'The night porter keeps a spare key for every room in the house.'
  for (const element of ['aside', 'dialog', 'noscript', 'template', 'div hidden', 'section aria-hidden="true"'])
    t.equal(html(`<p>Keys</p><${element}><p>${prose}</p></${element.split(' ')[0]}>`).text, `Keys\n\n${prose}`, element)
  for (const furniture of [
    '<nav><p>Home of the porter and more</p></nav>',
    '<aside><ul><li><a href="/a">Read about the porter of the house</a></li></ul></aside>',
    '<noscript>Please enable JavaScript to see this page.</noscript>',
    '<div class="cookie-bar"><p>We use cookies to make this page better for you.</p></div>',
    '<div hidden><p>This site stores cookies on your computer, as all do.</p></div>',
    '<select><option>Germany</option><option>France</option></select>',
    '<button aria-controls="m">Menu</button><ul id="m" hidden><li><a href="/">Home</a><li><a href="/b">Rooms</a><li><a href="/c">Prices</a></ul>',
    '<span aria-hidden="true">×</span>',
    '<template><p>{{ name }} lives in the room {{ room }}.</p></template>',
  ])
    t.equal(html(`<p>${prose}</p>${furniture}`).text, prose, furniture)
})

t.test('a page that lost most of its text says so, with the share', async t => {
  const words = 'Guests pay the rent on the first day of each month. '.repeat(20)
  t.match(readHtml(`<main><p>${words.slice(0, 300)}</p><template><p>{{ x }} ${words}</p></template></main>`), {
    warnings: [/^lost 7\d % of its text/],
  })
  t.strictSame(readHtml(`<main><p>${words}</p></main><nav>${words}</nav>`).warnings, [])
  t.match(
    documentFrom({ source: 'a', format: 'html', text: `<main><h1>Rent</h1></main><div>${words}</div>` }).text,
    'Guests pay',
    'a main without the text is not the page',
  )
})

t.test('merged cells: the value in every cell, header rows as one, nothing lost', async t => {
  const cases: readonly (readonly [string, string])[] = [
    ['<tr><th>A<th>B<tr><td rowspan=2>x<td>1<tr><td>2', '| A | B |\n| x | 1 |\n| x | 2 |'],
    [
      '<thead><tr><th rowspan=2>Room<th colspan=2>Rent<tr><th>Winter<th>Summer</thead><tr><td>1<td>200<td>150',
      '| Room | Rent Winter | Rent Summer |\n| 1 | 200 | 150 |',
    ],
    ['<caption>Rents</caption><tr><td>a<td>b', 'Rents\n\n| a | b |'],
    ['<tr><th colspan=2>Rents<tr><th>A<th>B<tr><td>1<td>2', 'Rents\n\n| A | B |\n| 1 | 2 |'],
    ['<tr><th>A<th>B<tr><td colspan=2>North<tr><td>1<td>2', '| A | B |\n| North |\n| 1 | 2 |'],
    ['<tr><td><td>Mon<tr><th scope=row>Hall<td>9', '|  | Mon |\n| Hall | 9 |'],
    ['<tr><td>a<p>b</p><ul><li>c<li>d</ul><td>e | f', '| a b; c; d | e ¦ f |'],
    ['<tr><td>1<td>x <table><tr><td>in<td>ner</table><tr><td>2<td>y', '| 1 | x |\n| 2 | y |\n\n| in | ner |'],
    ['<tr><td>Left<tr><td><table><tr><th>A<th>B<tr><td>1<td>2</table>', 'Left\n\n| A | B |\n| 1 | 2 |'],
    ['<tr><td rowspan=3>a<td>b<tr><td>c', '| a | b |\n| a | c |'],
  ]
  for (const [rows, text] of cases) {
    t.equal(html(`<table>${rows}</table>`).text, text, rows)
    t.equal(markdown(`<table>${rows}</table>`).text, text, `in Markdown: ${rows}`)
  }
  const long = html(`<table>${`<tr><td rowspan=1000 colspan=20>${'word '.repeat(100)}`.repeat(50)}</table>`).text
  t.ok(long.length < 300_000, `copies are bounded: ${long.length}`)
})

t.test('links stay where they may be the answer', async t => {
  const cases: readonly (readonly [string, string])[] = [
    ['[form](https://x.org/f)', '[form](https://x.org/f)'],
    ['[desk](mailto:desk@x.org?subject=a), [call](tel:+49-30-1)', '[desk](mailto:desk@x.org), [call](tel:+49-30-1)'],
    ['<https://x.org/a>, https://x.org/b and me@x.org', 'https://x.org/a, https://x.org/b and me@x.org'],
    ['[x.org](https://www.x.org/) [+49 30 1](tel:+49301)', 'x.org +49 30 1'],
    ['[up](#top) [go](javascript:alert) [v](vbscript:x) [d](data:text/html,x) [l](file:///etc/passwd)', 'up go v d l'],
    ['[other page](other.md) [the list](files/list.pdf)', 'other page [the list](files/list.pdf)'],
    ['[form][f]\n\n[f]: https://x.org/r', '[form](https://x.org/r)'],
    ['![map](https://x.org/m.png) [![map](m.png)](https://x.org)', 'map map'],
    ['See [2](https://x.org/two)', 'See 2 (https://x.org/two)'],
    ['<a href="https://x.org/h">by hand</a>', '[by hand](https://x.org/h)'],
    ['[a](<https://x.org/a b(c)>)', '[a](https://x.org/a%20b%28c%29)'],
  ]
  for (const [written, read] of cases) t.equal(markdown(written).text, read, written)
  t.equal(markdown('# The [form](https://x.org)\n\na').title, 'The form', 'a heading is a title')
  const words = Array.from({ length: 9 }, (_, i) => `[w${i}](https://x.org/${i})`)
  t.equal(markdown(words.join(' ')).text, words.map((_, i) => `w${i}`).join(' '), 'so many that none is the answer')
  t.notMatch(markdown(words.map(word => `- ${word}`).join('\n')).text, 'https', 'a list of links only')
})

t.test('relative links are those of the page', async t => {
  const link = '<p>Get <a href="/forms?a=1">the form</a> and <a href="#b">below</a>, <a href="?">again</a></p>'
  const head = '<link rel="canonical" href="https://x.org/help/page">'
  t.equal(
    html(head + link).text,
    'Get [the form](https://x.org/forms?a=1) and below, [again](https://x.org/help/page?)',
  )
  t.equal(html(`<base href="https://y.org/">${link}`).text.slice(0, 41), 'Get [the form](https://y.org/forms?a=1) a')
  t.equal(html(link).text, 'Get the form and below, again')
  t.equal(markdown('---\nurl: https://x.org/a/\n---\n[b](b)').text, '[b](https://x.org/a/b)')
  for (const base of ['javascript:alert(1)', 'not an address'])
    t.equal(html(`<base href="${base}"><a href="x">the form</a>`).text, 'the form', base)
})

t.test('front matter in TOML and JSON is metadata as in YAML', async t => {
  const expected = { tags: ['a', 'b'], date: '2026-03-04', draft: false, nested: { x: 1 } }
  const json = '"title": "T", "tags": ["a", "b"], "date": "2026-03-04", "draft": false, "nested": {"x": 1}'
  for (const text of [
    '+++\ntitle = "T" # note\ntags = ["a", "b"]\ndate = 2026-03-04\ndraft = false\n[nested]\nx = 1\n+++\nBody.',
    `{\n${json}\n}\n\nBody.`,
    `;;;\n${json}\n;;;\nBody.`,
    `;;;\r\n{${json}}\r\n;;;\r\nBody.`,
    '---\ntitle: T\ntags: [a, b]\ndate: 2026-03-04\ndraft: false\nnested: {x: 1}\n---\nBody.',
  ]) {
    const { title, text: body, metadata } = markdown(text)
    t.strictSame({ title, body, metadata }, { title: 'T', body: 'Body.', metadata: expected })
  }
  t.equal(markdown('{\n  "a": 1,\n}\n\nBody.').text, 'Body.', 'faulty JSON is left out')
  t.match(markdown('+++\nDear reader\n+++\n\nmore').text, 'Dear reader')
  t.match(markdown('{\n not json\n}\n\nmore').text, 'not json')
  const many = Array.from({ length: 9000 }, (_, i) => `k${i} = 1`).join('\n')
  t.throws(() => markdown(`+++\n${many}\n+++\nx`), /characters of front matter, but the limit is 65,536/)
})

t.test('tabs and notes of documentation tools: the text under its title', async t => {
  const tab = '# A\n\n=== "One"\n\n    First.\n\n    - item\n\n=== "Two"\n\n    Second.\n'
  t.strictSame(paths(markdown(tab)), ['', 'One', 'Two'])
  t.equal(markdown(tab).text, 'A\n\nOne\n\nFirst.\n\n- item\n\nTwo\n\nSecond.')
  t.equal(markdown(`${tab}\nAfter.`).text, 'A\n\nOne: First.\n\n- item\n\nTwo: Second.\n\nAfter.')
  const notes: readonly (readonly [string, string])[] = [
    ['!!! note\n    Text.', 'Note: Text.'],
    ['!!! note ""\n    Text.', 'Text.'],
    ['!!! danger "Hot"\n\n    Text.\n\nx', 'Hot: Text.\n\nx'],
    ['??? question "Why?"\n    So.\n\nx', 'Why?\nSo.\n\nx'],
    [':::tip Hint of mine\n\nText.\n\n:::\n\nx', 'Hint of mine: Text.\n\nx'],
    [':::tip[Named]\nText.\n:::\nx', 'Named: Text.\n\nx'],
    ['::: warning\nText.\n:::', 'Warning: Text.'],
    ['::::note\n:::tip\nIn.\n:::\nOut.\n::::', 'Note: Tip: In.\n\nOut.'],
    ['::: {.callout-note title="Q"}\nText.\n:::\nx', 'Q: Text.\n\nx'],
    ['```{warning}\n:class: a\nText.\n```', 'Warning: Text.'],
    ['```{admonition} Mine\nText.\n```\nx', 'Mine: Text.\n\nx'],
    ['<Tabs>\n<TabItem value="a" label="Mac">\n\n  Text.\n\n</TabItem>\n</Tabs>\n\nx', 'Mac: Text.\n\nx'],
    ['<TabItem value="a">One line.</TabItem>\n\nx', 'a: One line.\n\nx'],
    ['Term\n:   What it is.\n\n    More.\n\nOther\n:   Else.', 'Term: What it is.\n\nMore.\n\nOther: Else.'],
    ['1. Step\n\n    !!! note\n        Text.', '1. Step\n  Note: Text.'],
    ['> [!TIP]\n> Text.', 'Tip: Text.'],
  ]
  for (const [written, read] of notes) t.equal(markdown(written).text, read, written)
  for (const kept of [
    '```\n=== "a"\n    b\n:::\n```',
    '```\n<TabItem label="x">\n</TabItem>\n```',
    ':::note without end',
    '=== "no content"',
  ])
    t.equal(markdown(kept).text, kept, 'stays as it is')
  t.equal(markdown('    !!! note\n        code').text, '```\n!!! note\n    code\n```')
  t.equal(markdown('# Fees {#money}\n\na').sections[0]!.anchor, 'money')
})

t.test('many openings without an end are read in time', async t => {
  for (const text of [
    ':::note\n'.repeat(5000),
    '```{note}\n'.repeat(5000),
    '<sup>'.repeat(5000),
    '<details>\n\n'.repeat(1000),
  ])
    t.ok(markdown(text).text.length <= 2 * text.length)
  const nested = Array.from({ length: 100 }, (_, i) => `${'    '.repeat(i)}!!! note "x"`).join('\n')
  t.match(markdown(`${nested}\n${'    '.repeat(100)}end`).text, 'end')
  t.match(html(`<h1>a</h1>${'<button aria-controls="p">What?</button><div id="p">x</div>'.repeat(2000)}`).text, 'What?')
})

t.test('XHTML: prolog, CDATA and closed tags', async t => {
  const { title, blocks } = readXhtml(
    '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html [<!ENTITY x "y">]>\n<html xmlns="http://www.w3.org/1999/xhtml"><head><title>T</title><script src="a"/></head><body><h1><a id="top"/>Rules</h1><p>a &lt; <![CDATA[b < c & <d>]]><br/>e</p><!-- no --><div/><p>last</p></body></html>',
  )
  t.equal(title, 'T')
  t.strictSame(
    blocks.map(({ text }) => text),
    ['Rules', 'a < b < c & <d>\ne', 'last'],
  )
})
