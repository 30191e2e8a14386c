import { LanguageVariant, SyntaxKind } from 'typescript/unstable/ast'
import { createScanner } from 'typescript/unstable/ast/scanner'

/** What a source file imports, found in TypeScript's own tokens, so that comments and strings do not count. */
export interface Reaches {
  readonly imports: readonly Import[]
  /** Lines with a computed import specifier, whose target is unknown. */
  readonly computed: readonly number[]
  /** Lines that read `process.env`. */
  readonly environment: readonly number[]
}

export interface Import {
  readonly specifier: string
  /** `import type` or `export type`, which do not exist at run time. */
  readonly isType: boolean
  readonly line: number
}

export function scanImports(source: string): Reaches {
  const tokens = tokensOf(source)
  return {
    imports: tokens.flatMap((token, at) => (token.text === undefined ? [] : importAt(tokens, at, token.text))),
    computed: linesWhere(tokens, at => matches(tokens, at, 'import', '(') && tokens[at + 2]?.text === undefined),
    environment: linesWhere(tokens, at => readsEnvironment(tokens, at)),
  }
}

interface Token {
  /** The token as written, or `''` for a string, so that no string passes for a keyword. */
  readonly word: string
  /** Content of a string. */
  readonly text?: string
  readonly line: number
}

/** A string is an import if the tokens before it say so, or if it looks like a module, as in `new URL('./x.ts', …)`. */
function importAt(tokens: readonly Token[], at: number, specifier: string): Import[] {
  const line = tokens[at]?.line ?? 0
  const isStatic = matches(tokens, at - 1, 'from') || matches(tokens, at - 1, 'import')
  const isCall = ['import', 'require', 'resolve'].some(word => matches(tokens, at - 2, word, '('))
  if (isStatic) return [{ specifier, isType: isTypeOnly(tokens, at - 1), line }]
  return isCall || /^\.\.?\/.*\.ts$/.test(specifier) ? [{ specifier, isType: false, line }] : []
}

/** Searches back from `from` to the keyword that begins the statement. */
function isTypeOnly(tokens: readonly Token[], from: number): boolean {
  const start = tokens.slice(0, from + 1).findLastIndex(token => token.word === 'import' || token.word === 'export')
  return matches(tokens, start + 1, 'type') && !matches(tokens, start + 2, 'from') && !matches(tokens, start + 2, ',')
}

function readsEnvironment(tokens: readonly Token[], at: number): boolean {
  if (matches(tokens, at, 'process', '.', 'env') || matches(tokens, at, 'process', '?.', 'env')) return true
  if (matches(tokens, at, 'process', '[') && tokens[at + 2]?.text === 'env') return true
  // `const { env } = process`, and the module that exports that object
  return (
    matches(tokens, at, 'env', '}', '=', 'process') ||
    tokens[at]?.text === 'node:process' ||
    (tokens[at]?.text === 'process' && isModule(tokens, at))
  )
}

/** Whether a string is a module name and not other text in quotes. */
function isModule(tokens: readonly Token[], at: number): boolean {
  const isCall = ['import', 'require', 'resolve', 'getBuiltinModule'].some(word => matches(tokens, at - 2, word, '('))
  return isCall || matches(tokens, at - 1, 'from') || matches(tokens, at - 1, 'import')
}

function matches(tokens: readonly Token[], at: number, ...words: string[]): boolean {
  return words.every((word, offset) => tokens[at + offset]?.word === word)
}

function linesWhere(tokens: readonly Token[], holds: (at: number) => boolean): number[] {
  return tokens.flatMap((token, at) => (holds(at) ? [token.line] : []))
}

// The scanner leaves two decisions to the parser: whether a `/` divides or begins a regular expression, and whether a
// `}` ends a block or continues a template. Both follow from the previous tokens.
function tokensOf(source: string): Token[] {
  const scanner = createScanner(true, LanguageVariant.Standard, source)
  const tokens: Token[] = []
  const open: ('block' | 'template')[] = []
  for (let kind = scanner.scan(); kind !== SyntaxKind.EndOfFile; kind = scanner.scan()) {
    if (isSlash(kind) && !endsValue(tokens.at(-1))) kind = scanner.reScanSlashToken()
    if (kind === SyntaxKind.CloseBraceToken && open.pop() === 'template') kind = scanner.reScanTemplateToken(false)
    if (kind === SyntaxKind.OpenBraceToken) open.push('block')
    if (kind === SyntaxKind.TemplateHead || kind === SyntaxKind.TemplateMiddle) open.push('template')
    if (scanner.isUnterminated()) throw new Error(`cannot read the source near: ${scanner.getTokenText().slice(0, 60)}`)
    const line = source.slice(0, scanner.getTokenStart()).split('\n').length
    tokens.push(
      isString(kind) ? { word: '', text: scanner.getTokenValue(), line } : { word: scanner.getTokenText(), line },
    )
  }
  if (open.length > 0) throw new Error('cannot read the source: a brace is left open')
  return tokens
}

function isString(kind: SyntaxKind): boolean {
  return kind === SyntaxKind.StringLiteral || kind === SyntaxKind.NoSubstitutionTemplateLiteral
}

function isSlash(kind: SyntaxKind): boolean {
  return kind === SyntaxKind.SlashToken || kind === SyntaxKind.SlashEqualsToken
}

const keywordsBeforeValue = /^(return|typeof|case|in|of|void|delete|await|yield|throw|else|do|instanceof|new)$/

/**
 * After a value, a slash divides. `)` counts as a value, because no code here has a regular expression after `if (…)`.
 */
function endsValue(token: Token | undefined): boolean {
  if (token === undefined) return false
  return token.text !== undefined || (/[\w$)\]}`/]$/.test(token.word) && !keywordsBeforeValue.test(token.word))
}
