/** Artificial texts that make a reader look back, or far ahead, again and again. */
export interface Shape {
  readonly name: string
  /** Returns about `length` UTF-16 units of this shape. */
  text(length: number): string
}

const pieces: readonly string[] = [
  // Letters, spaces, digits, signs.
  'a',
  'A',
  'aB',
  'a ',
  'the ',
  ' ',
  '\t',
  '\n',
  ' \n',
  '\n ',
  '\r',
  '\r\n',
  '\v',
  '\u2028',
  '\u00a0',
  '1',
  '1,',
  '1.',
  '1 000 ',
  '1.1',
  '0',
  '$',
  '++',
  '@',
  '\\',
  '^',
  '*',
  '**',
  '_',
  'a_',
  '~',
  '&',
  '&amp;',
  '%',
  // Ends of sentences, and text that looks like one.
  '.',
  '. ',
  '...',
  '!',
  '?!',
  '? ',
  '…',
  ': ',
  ':\n',
  ';',
  ';\n',
  ',',
  ', ',
  'a. ',
  'A. ',
  'Mr. ',
  'e.g. ',
  'и т. д. ',
  'в г. ',
  '3. Mai ',
  '(i) ',
  'Hello, world. ',
  'Как подать? ',
  'a.b',
  'a.B',
  'U.S.',
  // Lines that begin or end a block.
  '- ',
  '- a\n',
  '1. a\n',
  '|',
  '|\n',
  '|a|b|\n',
  '| ---',
  '#',
  '# ',
  '# a\n',
  '> ',
  '>\n',
  '};\n',
  '{',
  '}\n',
  '---\n',
  '...\n',
  '¶',
  ' #',
  // Fences and code.
  '`',
  '``',
  '```',
  '```\n',
  '```a\n',
  '```\na\n',
  '~~~\n',
  '` ',
  '`a',
  '`\n',
  '``` ``` ',
  '```\n~~~\n',
  // Brackets, citations, our marks.
  '[',
  ']',
  '[[',
  '[1',
  '[1]',
  '[1] ',
  '[1](',
  '[1, ',
  '[1,',
  '[ ',
  '[passage ',
  '【',
  '【1†',
  '†',
  '(',
  ')',
  '<',
  '>',
  '< ',
  '</ ',
  '< /',
  '<passage',
  '<!--',
  '<a ',
  'NO_',
  'NO_ANSWER',
  'NO ',
  'N',
  // Quotation and CSV.
  '"',
  '""',
  '" ',
  '",',
  '"a',
  '"\n',
  'a,"',
  "'",
  "l'",
  "a'",
  "'s",
  '«',
  'a-',
  'a-\n',
  '-',
  '–',
  // Combining and invisible characters.
  '\u0301',
  'a\u0301',
  '\u0301\u0323',
  '\u0344',
  '\u200b',
  '\u200b\u0301',
  '\u034f\u0301',
  '\ufe0f',
  '\u202e',
  '\0',
  'é',
  'ё',
  'а́',
  'İ',
  'ß',
  'Ǽ',
  'ﷺ',
  'ẳ',
  '한',
  '中',
  '中文。',
  'かな',
  'ไทย',
  'ก\u0e31',
  'العربية ',
  'qué ',
  'học bổng ',
  'қалай ',
  '👍',
  '👩‍👩‍👧‍👦',
  '\u{1f1e6}',
  '\ud83d',
  '10²',
  'If I lose, ',
]

const openings: readonly (readonly [string, string])[] = [
  ['a', '!'],
  ['\n', 'a'],
  ['[', 'x'],
  ['<', 'x'],
  ['"', 'x'],
  ['```\n', 'x'],
  ['---\n', 'x'],
]

/** Each piece alone, between two others, and on lines with different ends. */
export const shapes: readonly Shape[] = [
  ...pieces.map(piece => shapeOf(piece, length => piece.repeat(Math.ceil(length / piece.length)))),
  ...pieces.map((piece, i) => {
    const [before, after] = openings[i % openings.length]!
    return shapeOf(
      `${before}${piece}…${after}`,
      length => before + piece.repeat(Math.ceil((length - 5) / piece.length)) + after,
    )
  }),
  ...pieces.map((piece, i) => {
    const other = pieces[(i * 7 + 3) % pieces.length]!
    return shapeOf(
      `${piece}…${other}…`,
      length => piece.repeat(Math.ceil(length / 2 / piece.length)) + other.repeat(Math.ceil(length / 2 / other.length)),
    )
  }),
  ...['`', '~', '#', '[', '"', ' ', '>', '\t- '].map(piece =>
    shapeOf(`longer and longer lines of ${piece}`, length => longerLines(piece, length)),
  ),
  ...['`', '~', '"'].map(piece =>
    shapeOf(`shorter and shorter lines of ${piece}`, length =>
      longerLines(piece, length).split('\n').reverse().join('\n'),
    ),
  ),
  shapeOf('words that are all different', length => numbered(length, n => `w${n.toString(36)} `)),
  shapeOf('lines that are all different', length => numbered(length, n => `line ${n.toString(36)}\n`)),
  shapeOf('paragraphs of a word', length => numbered(length, n => `w${n.toString(36)}.\n\n`)),
  shapeOf('identifiers', length => numbered(length, n => `max_${n}_connectionPool.`)),
]

function shapeOf(name: string, text: (length: number) => string): Shape {
  return { name: JSON.stringify(name).slice(1, -1), text }
}

function longerLines(piece: string, length: number): string {
  const count = Math.ceil(Math.sqrt((2 * length) / piece.length))
  return Array.from({ length: count }, (_, i) => piece.repeat(i + 1)).join('\n')
}

function numbered(length: number, wordOf: (n: number) => string): string {
  let text = ''
  for (let n = 0; text.length < length; n++) text += wordOf(n)
  return text
}
