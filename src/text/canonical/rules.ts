/**
 * Phrases and their replacements. A line is `phrase = replacement`, or just a phrase, which is dropped.
 * - In a phrase `a/b` is either word, `a?` an optional word, `a_b` two words, and `^` and `$` are the start and end of
 *   the text.
 * - In a replacement `{2}` is the second word found, `{-1}` the last, and a name in capitals is a word class, which no
 *   folded word can equal.
 */
export const start = 'START'
export const end = 'END'

interface Branch {
  readonly next: Map<string, Branch>
  replacement?: readonly string[]
}

export interface Rules {
  readonly root: Branch
  /** All words that occur in a phrase. */
  readonly words: ReadonlySet<string>
}

export function rulesOf(lines: string): Rules {
  const root: Branch = { next: new Map() }
  const words = new Set<string>()
  for (const line of lines.trim().split('\n')) {
    const [phrase = '', replacement = ''] = line.split('=')
    for (const path of pathsOf(phrase)) {
      insert(root, path, filled(wordsOf(replacement), path))
      for (const word of path) words.add(word)
    }
  }
  return { root, words }
}

function wordsOf(text: string): string[] {
  return text
    .trim()
    .split(/[\s_]+/)
    .filter(Boolean)
    .map(word => (word === '^' ? start : word === '$' ? end : word))
}

function pathsOf(phrase: string): string[][] {
  return phrase
    .trim()
    .split(/\s+/)
    .reduce<string[][]>(
      (paths, part) => {
        const choices = part.replace(/\?$/, '').split('/').map(wordsOf)
        if (part.endsWith('?')) choices.push([])
        return paths.flatMap(path => choices.map(choice => [...path, ...choice]))
      },
      [[]],
    )
}

function filled(replacement: readonly string[], path: readonly string[]): string[] {
  return replacement.map(word => (/^\{-?\d\}$/.test(word) ? (path.at(positionOf(word)) ?? '') : word)).filter(Boolean)
}

function positionOf(reference: string): number {
  const position = Number(reference.slice(1, -1))
  return position > 0 ? position - 1 : position
}

function insert(root: Branch, path: readonly string[], replacement: readonly string[]): void {
  let branch = root
  for (const word of path) {
    const next: Branch = branch.next.get(word) ?? { next: new Map() }
    branch.next.set(word, next)
    branch = next
  }
  branch.replacement ??= replacement
}

/** Replaces every phrase, the longest at each position, once from left to right. */
export function rewritten(words: readonly string[], { root }: Rules): readonly string[] {
  const out: string[] = []
  for (let i = 0; i < words.length;) {
    const found = longest(words, i, root)
    out.push(...(found?.replacement ?? [words[i] ?? '']))
    i = found?.to ?? i + 1
  }
  return out
}

function longest(
  words: readonly string[],
  from: number,
  root: Branch,
): { to: number; replacement: readonly string[] } | undefined {
  let found: { to: number; replacement: readonly string[] } | undefined
  let branch: Branch | undefined = root
  for (let to = from; branch && to <= words.length; to++) {
    if (branch.replacement) found = { to, replacement: branch.replacement }
    branch = branch.next.get(words[to] ?? '')
  }
  return found
}
