import fc from 'fast-check'
import type { Nodes } from 'mdast'
import { fromMarkdown } from 'mdast-util-from-markdown'
import { gfmFromMarkdown } from 'mdast-util-gfm'
import { gfm } from 'micromark-extension-gfm'
import { globSync, readFileSync } from 'node:fs'
import t from 'tap'
import { markdownBorders } from '../../../src/ingest/readers/markdown/markdown-borders.ts'
import { parseMarkdown } from '../../../src/ingest/readers/markdown/parse-markdown.ts'

const whole = (markdown: string) =>
  fromMarkdown(markdown, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] })

/** The parser sets `checked` on whatever is above a `[x]` that is in no item. */
function withoutPlaces(node: Nodes): object {
  const { position: _, ...rest } = node
  if (rest.type !== 'listItem') delete (rest as { checked?: unknown }).checked
  return 'children' in rest ? { ...rest, children: rest.children.map(withoutPlaces) } : rest
}

const same = (markdown: string, part: number) =>
  JSON.stringify(withoutPlaces(parseMarkdown(markdown, part))) === JSON.stringify(withoutPlaces(whole(markdown)))

/** Lines that open, close and interrupt each other in all the ways that Markdown has. */
const lines = fc.constantFrom(
  '',
  '',
  '',
  '',
  'text',
  'more text',
  'see [a]',
  'see [b][a] and [^n]',
  '[A]: /url',
  '[b]: <u> "t"',
  '[^n]: a note',
  '    and more',
  '# heading',
  '## two',
  '===',
  '---',
  '- - -',
  '***',
  '- item',
  '-',
  '- ',
  '  - nested',
  '   three',
  '    four',
  '\ttab',
  '* star',
  '+ plus',
  '1. one',
  '2. two',
  '10) ten',
  '1.',
  '> quote',
  '>',
  '> ```',
  '> - in quote',
  '- > quoted',
  '```',
  '````',
  '```js',
  '``` a`b',
  '~~~',
  ' ```',
  '  ```',
  '   ```',
  '    ```',
  '- ```',
  '  ~~~',
  '2. ```',
  '-\t```',
  '-     code',
  '<div>',
  '</div>',
  '<span>',
  '<b>text',
  '<!-- open',
  '-->',
  '<!-- both -->',
  '<!-->',
  '<!--->',
  '<?>',
  '<? ?>',
  '<!-- a --> b',
  '<pre>',
  '</pre>',
  '<script>',
  '</script>',
  '<?php',
  '?>',
  '<!DOCTYPE',
  '<![CDATA[',
  ']]>',
  '<p',
  '<x-y>',
  '<textarea>',
  '</style>',
  '| a | b |',
  '| - | - |',
  '| [a] | [^n] |',
  '| x |',
  '| - |',
  '| a \\| b |',
  '| `|` | ',
  '|---',
  'a | b',
  '\\[a]',
  '[a',
  'b]',
  '![a]',
  '[ a ]',
  '[a]: ',
  '  [c]: /d',
  '- [d]: /e',
  '> [e]: /f',
  '[d] [e] [c]',
  '\u00a0',
  '\ufeff',
  '[x] [ ]',
  '- [ ] task',
)

t.test('parts give the tree of the whole, whatever the lines', async t => {
  fc.assert(
    fc.property(fc.array(lines, { minLength: 1, maxLength: 24 }), fc.constantFrom('\n', '\r\n', '\r'), (each, end) =>
      same(each.join(end), 0),
    ),
    { numRuns: 500 },
  )
  t.pass('1,500 documents')
})

t.test('also within tables, whose rows are divided', async t => {
  const rows = fc.constantFrom(
    '| a | b |',
    '| [a] | [^n] |',
    '| x |',
    '| c | d | e |',
    '|',
    '| `|` | y |',
    '| \\| | \\\\|',
    '|-|-|',
    ' | a | b |',
    'a | b',
    '',
    '',
    'text',
    '- | i | j |',
    '[a]: /u',
    '[^n]: note',
    '```',
    '> | q | r |',
    '<!-- |',
    '|-->|',
  )
  const table = fc.tuple(
    fc.constantFrom('', 'text', '- item', '- item\n'),
    fc.constantFrom('| h | i |', '| h |', 'h | i'),
    fc.constantFrom('| - | - |', '|:-|-:|', '| - |', '- | -'),
    fc.array(rows, { maxLength: 12 }),
  )
  fc.assert(
    fc.property(table, fc.constantFrom('\n', '\r\n'), ([before, head, line, rest], end) =>
      same([before, head, line, ...rest].join(end), 0),
    ),
    { numRuns: 500 },
  )
  t.pass('1,500 tables')
})

t.test('also of letters that mean something, in any order', async t => {
  const letters = fc.string({
    unit: fc.constantFrom(
      '\n',
      '\n',
      ' ',
      ' ',
      '`',
      '~',
      '-',
      '*',
      '>',
      '#',
      '<',
      '!',
      '/',
      '[',
      ']',
      '^',
      ':',
      '1',
      '.',
      'a',
      '|',
      '\t',
      '=',
      '\\',
    ),
    maxLength: 60,
  })
  fc.assert(
    fc.property(letters, text => same(text, 0)),
    { numRuns: 500 },
  )
  t.pass('1,500 documents')
})

t.test('real manuals: the same tree, in many parts', async t => {
  const files = globSync('node_modules/{fastify,pino,undici,@fastify/*}/**/*.md').slice(0, 40)
  const parts = files.map(file => {
    const markdown = readFileSync(file, 'utf8')
    t.ok(same(markdown, 2000), file)
    return markdown.length / ([...markdownBorders(markdown)].length + 1)
  })
  t.ok(parts.toSorted((a, b) => a - b)[Math.floor(parts.length / 2)]! < 500, 'borders are many')
})

t.test('a reference finds its definition in any part', async t => {
  const markdown =
    'See [one], [two][ONE] and[^1].\n\nNo [other].\n\n> [one]: /1\n\n[^1]: A note of [one].\n\n[Straße] and [STRASSE]\n\n[strasse]: /s'
  t.ok(same(markdown, 0))
  t.match(withoutPlaces(parseMarkdown(markdown, 0)), {
    children: [
      {
        children: [{}, { type: 'linkReference' }, {}, { type: 'linkReference' }, {}, { type: 'footnoteReference' }, {}],
      },
    ],
  })
})
