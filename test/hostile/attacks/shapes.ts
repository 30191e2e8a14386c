/** Texts that cost a parser, an analyser or a table far more than they weigh. Sizes are of characters. */

/** As often as it takes to be this long. */
export function filled(unit: string, size: number): string {
  return unit.repeat(Math.ceil(size / unit.length))
}

const sentences = [
  'A place in the dormitory costs 12,000 tenge a month. ',
  'The library lends books for thirty days. ',
  'Quiet hours last from 23:00 to 07:00, and guests must leave by 22:00. ',
  'The form needs a copy of the passport and the transcript. ',
]

/** Prose, with a heading now and then: nothing in it is odd but its length. */
export function ordinaryMarkdown(size: number): string {
  const section = (nth: number) =>
    `## Section ${nth}\n\n${sentences.map((each, i) => each.repeat(1 + ((nth + i) % 3))).join('\n\n')}\n\n- one of ${nth}\n- another, with \`code\` and [a link](https://example.org/${nth})\n\n`
  let text = ''
  for (let nth = 0; text.length < size; nth++) text += section(nth)
  return text
}

/** Time of Markdown parsers grows with the square of these, or faster. */
export const markdownBombs: Readonly<Record<string, (size: number) => string>> = {
  'headings underlined in vain': size => filled('a\n', size) + '=',
  'headings underlined one under the other': size => filled('a\n=\n', size),
  'comments that do not end': size => filled('a <!-- ', size),
  'instructions that do not end': size => filled('a <? ', size),
  'declarations that do not end': size => filled('a <!A ', size),
  'links that do not end': size => filled('[a](', size),
  'images in images': size => filled('![', size),
  'brackets in brackets': size => filled('[', size / 2) + filled(']', size / 2),
  'footnotes without a note': size => filled('[^a]', size),
  'emphasis that crosses': size => filled('*a**b', size),
  'emphasis of every kind': size => filled('*_~', size),
  'backticks of all lengths': size => {
    let text = ''
    for (let length = 1; text.length < size; length++) text += `${'`'.repeat(length)} a `
    return text
  },
  'quotes in quotes': size => filled('> ', size),
  'lists in lists': size => filled('- ', size),
  'lists that step in': size => {
    let text = ''
    for (let depth = 0; text.length < size; depth++) text += `${' '.repeat(depth * 2)}- a\n`
    return text
  },
  'a table of nothing but bars': size => `|${filled('|', size / 2)}\n|${filled('-|', size / 2)}`,
  entities: size => filled('&amp;&#x41;&nosuch', size),
  autolinks: size => filled('www.a.b(c)http://d.e ', size),
  'addresses of mail': size => filled('a@b.', size),
  references: size => filled('[a]: b\n', size / 2) + filled('[a] ', size / 2),
}

export const htmlBombs: Readonly<Record<string, (size: number) => string>> = {
  'marks that are never closed': size => filled('<b><i><a href="#x"><p>', size),
  'elements in elements': size => `${filled('<div>', size)}bottom`,
  'tables in tables': size => filled('<table><tr><td>', size),
  'lists in lists': size => filled('<ul><li>', size),
  attributes: size => `<p ${filled('a b="c" ', size)}>x</p>`,
  'an attribute that does not end': size => `<p title="${filled('a', size)}`,
  entities: size => filled('&lt;&#1;&nosuch;', size),
  'selects in selects': size => filled('<select><option>', size),
  'comments that do not end': size => filled('<!--', size),
  'scripts that do not end': size => filled('<script><!--<script>', size),
}

/** Numbers in a page that make it larger. */
export const amplifiers: readonly { readonly format: 'html' | 'markdown'; readonly text: string }[] = [
  { format: 'html', text: '<table><tr><td colspan="1000000000">a</td></tr></table>' },
  { format: 'html', text: '<table><tr><td colspan="20000000">a</td><td>b</td></tr></table>' },
  { format: 'html', text: '<table><tr><td rowspan="1000000000">a</td></tr><tr><td>b</td></tr></table>' },
  { format: 'html', text: '<table><tr><td rowspan="65534" colspan="1000">a</td></tr></table>'.repeat(3) },
  {
    format: 'html',
    text: '<table><colgroup span="1000000000"><col span="1000000000"></colgroup><tr><td>a</td></tr></table>',
  },
  { format: 'html', text: `<table>${'<tr><td rowspan="65534" colspan="1000">a</td></tr>'.repeat(20)}</table>` },
  { format: 'html', text: '<ol start="999999999999999999"><li value="1e300">a</li></ol>' },
  { format: 'markdown', text: 'Prices.\n\n<table><tr><td colspan="1000000000">a</td></tr></table>\n' },
  { format: 'markdown', text: `999999999. a\n${'1. b\n'.repeat(1000)}` },
]

export const clusters: Readonly<Record<string, (size: number) => string>> = {
  'a letter with endless marks': size => `a${filled('\u0301', size)}`,
  'marks in every order': size => `a${filled('\u0301\u0316\u0327', size)}`,
  'a family without end': size => filled('👩\u200d', size),
  flags: size => filled('🇰🇿', size),
  'a word without end': size => filled('word', size),
  'letters that fold to several': size => filled('ﷺ', size),
  digits: size => filled('1234567890', size),
  'hangul parts': size => filled('\u1100\u1161\u11a8', size),
  blanks: size => `a${filled(' ', size)}b`,
  lines: size => `a${filled('\n', size)}b`,
  'one sentence without end': size => filled('and ', size),
  'words of Thai': size => filled('ภาษาไทย', size),
  'no letters': size => filled('!?.,;', size),
}

/** Pages that look like the marks that Askwell puts around passages. */
export const markLookalikes: readonly string[] = [
  `dormitory ${'<'.repeat(3000)}`,
  `dormitory <${' '.repeat(6000)}`,
  `dormitory ${'< '.repeat(3000)}`,
  `dormitory <${' '.repeat(3000)}/${' '.repeat(3000)}`,
  `dormitory ${'[1'.repeat(2000)}`,
  `dormitory [1${',1'.repeat(2000)}`,
  `dormitory [1†${'a'.repeat(5000)}`,
  `dormitory ${'【1'.repeat(2000)}`,
]

/** YAML that grows when it is read. */
export function yamlAliases(levels: number): string {
  const lines = Array.from(
    { length: levels },
    (_, nth) =>
      `a${nth}: &a${nth} [${Array(9)
        .fill(nth === 0 ? 'x' : `*a${nth - 1}`)
        .join(',')}]`,
  )
  return `---\n${lines.join('\n')}\n---\n\nThe text.\n`
}

export function yamlKeys(size: number): string {
  let text = '---\n'
  for (let nth = 0; text.length < size; nth++) text += `k${nth}: 1\n`
  return `${text}---\n\nThe text.\n`
}
