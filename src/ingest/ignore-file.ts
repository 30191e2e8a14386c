import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import ignore, { type Ignore } from 'ignore'

export const ignoreFile = '.askwellignore'
const largestBytes = 2 ** 16
/** Each `*` multiplies the time that a path may take, because the patterns become regular expressions. */
const limits = { length: 1000, wildcards: 3, deepWildcards: 3 }

/** Patterns of a folder; paths are relative to the folder that is loaded. */
interface Patterns {
  readonly folder: string
  readonly patterns: Ignore
}

export type IgnoreRules = readonly Patterns[]

/**
 * The rules with those of this folder, which win over those of the folders above, or why they cannot be used. Then
 * nothing in the folder may be loaded, because it is unknown what must not be.
 */
export async function withRulesOf(root: string, folder: string, rules: IgnoreRules): Promise<IgnoreRules | string> {
  const path = join(root, folder, ignoreFile)
  const entry = await stat(path).catch((error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? null : error))
  if (entry === null) return rules
  if (entry instanceof Error || !entry.isFile()) return 'cannot be opened'
  if (entry.size > largestBytes) return `is larger than ${largestBytes / 2 ** 10} KB`
  const text = await readFile(path, 'utf8').catch(() => null)
  if (text === null) return 'cannot be opened'
  const costly = text.split(/\r?\n/).findIndex(isCostly)
  if (costly !== -1) return `has a pattern with too many characters or * in line ${costly + 1}`
  return [...rules, { folder, patterns: ignore({ allowRelativePaths: false }).add(text) }]
}

function isCostly(pattern: string): boolean {
  const parts = pattern.split('/')
  return (
    pattern.length > limits.length ||
    parts.filter(part => part.startsWith('**')).length > limits.deepWildcards ||
    parts.some(part => (part.match(/\*+/g) ?? []).length > limits.wildcards)
  )
}

/** Whether a path is ignored. Folders end in a slash. As in Git, a file in an ignored folder cannot be included again. */
export function isIgnored(path: string, rules: IgnoreRules): boolean {
  let ignored = false
  for (const { folder, patterns } of rules) {
    const inside = folder === '' ? path : path.slice(folder.length + 1)
    if (inside === '') continue
    const result = patterns.test(inside)
    if (result.ignored) ignored = true
    else if (result.unignored) ignored = false
  }
  return ignored
}
