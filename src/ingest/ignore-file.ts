import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import ignore, { type Ignore } from 'ignore'

export const ignoreFile = '.askwellignore'
/** A larger file is a mistake. */
const largestBytes = 2 ** 20

/** Patterns of a folder; paths are relative to the folder that is loaded. */
interface Patterns {
  readonly folder: string
  readonly patterns: Ignore
}

export type IgnoreRules = readonly Patterns[]

/** The rules with those of this folder, which win over those of the folders above. */
export async function withRulesOf(root: string, folder: string, rules: IgnoreRules): Promise<IgnoreRules> {
  const path = join(root, folder, ignoreFile)
  const entry = await stat(path).catch(() => null)
  if (entry === null || !entry.isFile() || entry.size > largestBytes) return rules
  const text = await readFile(path, 'utf8').catch(() => '')
  return [...rules, { folder, patterns: ignore({ allowRelativePaths: false }).add(text) }]
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
