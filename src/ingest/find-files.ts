import { existsSync } from 'node:fs'
import { lstat, readdir, realpath, stat } from 'node:fs/promises'
import { basename, isAbsolute, join, posix, relative, resolve, sep } from 'node:path'
import { glob, isDynamicPattern } from 'tinyglobby'
import { AskError } from '../errors.ts'
import { formatOf, knownEndings } from './formats.ts'
import { cleanLine } from './readers/clean-text.ts'
import { ignoreFile, isIgnored, withRulesOf, type IgnoreRules } from './ignore-file.ts'
import type { ReadFault } from './terms.ts'
import { namedFault, unknownFile, type SkipReason } from './unknown-files.ts'

/** A file to load. */
export interface FoundFile {
  /** Path to open, also shown to the user. */
  readonly path: string
  /** Name in the collection, identical on every machine; see {@link findFiles}. */
  readonly source: string
  readonly bytes: number
}

export type FileOrFault = FoundFile | { readonly fault: ReadFault }

export interface FindOptions {
  /** Called for each visible file of a folder or a glob that is not read. */
  readonly onSkipped?: (reason: SkipReason) => void
}

/**
 * Finds the files of paths, folders and globs, sorted within each. Folders and globs skip hidden files, `node_modules`,
 * what `.askwellignore` names, and unknown formats; those that look like documents are faults. A file that is named
 * itself is never skipped. A link in a folder that leads out of it is a
 * fault, so that an author of the folder cannot publish other files of the machine.
 *
 * A source must not depend on the machine. A relative path is its own source (`docs/a.md`), whatever the working
 * directory. An absolute path, or one that begins with `..`, is specific to this machine, so its source begins with the
 * last segment (`/srv/site/docs` → `docs/a.md`).
 */
export async function findFiles(paths: readonly string[], options: FindOptions = {}): Promise<FileOrFault[]> {
  const found: FileOrFault[] = []
  const pathOfSource = new Map<string, string>()
  for (const path of paths) {
    for (const file of await filesAt(path, options)) {
      const before = 'fault' in file ? undefined : pathOfSource.get(file.source)
      if ('fault' in file || before === undefined) found.push(file)
      else if (resolve(before) !== resolve(file.path)) found.push(sameSource(file, before))
      if (!('fault' in file) && before === undefined) pathOfSource.set(file.source, file.path)
    }
  }
  return found
}

/** Total bytes to read, for progress and the time left. */
export function bytesOf(found: readonly FileOrFault[]): number {
  return found.reduce((sum, each) => sum + ('fault' in each ? 0 : each.bytes), 0)
}

function sameSource(file: FoundFile, before: string): FileOrFault {
  return faultOf(file, `would be stored as ${file.source}, like ${before}; load both by relative paths`)
}

async function filesAt(given: string, options: FindOptions): Promise<FileOrFault[]> {
  const entry = await stat(given).catch(() => null)
  if (entry === null)
    return isDynamicPattern(given) ? filesMatching(given, options) : [faultNamed(given, 'does not exist')]
  if (entry.isDirectory()) return filesBelow(given, options)
  if (!entry.isFile()) return [faultNamed(given, 'is neither a file nor a folder')]
  const isKnown = formatOf(given) !== undefined
  return [
    isKnown
      ? { path: given, source: sourceOf(given, ''), bytes: entry.size }
      : faultNamed(given, await namedFault(given)),
  ]
}

async function filesBelow(root: string, options: FindOptions): Promise<FileOrFault[]> {
  const { files, unread, ignored } = await walk(root, '', [])
  const faults = unread.map(({ path, reason }) => faultOf(below(root, path), reason))
  for (let i = 0; i < ignored; i++) options.onSkipped?.('ignored')
  const found = [...faults, ...(await sorted(root, files, options))]
  if (found.length > 0) return found
  return [faultNamed(root, `contains no file of a supported format (${knownEndings})`)]
}

/** A folder, or its `.askwellignore`, that cannot be read. */
interface Unread {
  readonly path: string
  readonly reason: string
}

interface Walked {
  readonly files: readonly string[]
  readonly unread: readonly Unread[]
  /** Number of files and folders that `.askwellignore` names. */
  readonly ignored: number
}

/**
 * Paths of the files below a folder, relative to it. Links to folders are not followed, because they may form a cycle.
 */
async function walk(root: string, below: string, above: IgnoreRules): Promise<Walked> {
  const entries = await readdir(join(root, below), { withFileTypes: true }).catch(() => null)
  if (entries === null) return { files: [], unread: [{ path: below, reason: 'cannot be opened' }], ignored: 0 }
  const rules = await withRulesOf(root, below, above)
  if (typeof rules === 'string') return { files: [], unread: [unusable(below, rules)], ignored: 0 }
  const visible = entries.filter(entry => !entry.name.startsWith('.') && entry.name !== 'node_modules')
  const inside = await Promise.all(
    visible.map(async (entry): Promise<Walked> => {
      const path = posix.join(below, entry.name)
      if (isIgnored(entry.isDirectory() ? `${path}/` : path, rules)) return { files: [], unread: [], ignored: 1 }
      return entry.isDirectory() ? await walk(root, path, rules) : { files: [path], unread: [], ignored: 0 }
    }),
  )
  return {
    files: inside.flatMap(each => each.files),
    unread: inside.flatMap(each => each.unread),
    ignored: inside.reduce((sum, each) => sum + each.ignored, 0),
  }
}

/** A fault of the folder, so that its documents are not pruned. */
function unusable(folder: string, reason: string): Unread {
  return { path: folder, reason: `is not loaded, because its ${ignoreFile} ${reason}` }
}

async function filesMatching(pattern: string, options: FindOptions): Promise<FileOrFault[]> {
  const { base, rest } = splitGlob(pattern.split(sep).join('/'))
  const ignore = rest.includes('node_modules') ? [] : ['**/node_modules/**']
  const settings = { cwd: resolve(base), ignore, expandDirectories: false, followSymbolicLinks: false }
  const { files, unread } = await notIgnored(base, await glob(rest, settings), options)
  const faults = unread.map(({ path, reason }) => faultOf(below(base, path), reason))
  const found = [...faults, ...(await sorted(base, files, options))]
  return found.length === 0 ? [faultNamed(pattern, `matches no file of a supported format (${knownEndings})`)] : found
}

/** Applies the rules of every folder on the way to each file, as {@link walk} does. */
async function notIgnored(
  base: string,
  paths: readonly string[],
  options: FindOptions,
): Promise<Pick<Walked, 'files' | 'unread'>> {
  const unread: Unread[] = []
  const rulesOf = new Map<string, Promise<IgnoreRules | null>>()
  const ownRules = async (folder: string, above: IgnoreRules): Promise<IgnoreRules | null> => {
    const rules = await withRulesOf(base, folder, above)
    if (typeof rules !== 'string') return rules
    unread.push(unusable(folder, rules))
    return null
  }
  /** Null if the folder itself is ignored, or its rules cannot be used. */
  const rulesIn = (folder: string): Promise<IgnoreRules | null> => {
    const known = rulesOf.get(folder)
    if (known !== undefined) return known
    const parent = posix.dirname(folder)
    const rules = (async () => {
      if (folder === '') return await ownRules('', [])
      const above = await rulesIn(parent === '.' ? '' : parent)
      return above === null || isIgnored(`${folder}/`, above) ? null : await ownRules(folder, above)
    })()
    rulesOf.set(folder, rules)
    return rules
  }
  const files: string[] = []
  for (const path of paths) {
    const folder = posix.dirname(path)
    const rules = await rulesIn(folder === '.' ? '' : folder)
    if (rules === null || isIgnored(path, rules)) options.onSkipped?.('ignored')
    else files.push(path)
  }
  return { files, unread }
}

/** The files of known formats with their sizes, and faults of those that look like documents. */
async function sorted(root: string, files: readonly string[], options: FindOptions): Promise<FileOrFault[]> {
  const known = files.filter(path => formatOf(path) !== undefined)
  const unknown = await Promise.all(
    files
      .filter(path => formatOf(path) === undefined)
      .map(async path => {
        const entry = await lstat(join(root, path)).catch(() => null)
        // What a link leads to is not looked at.
        return { path, ...(entry?.isFile() ? await unknownFile(join(root, path)) : { reason: 'data' as const }) }
      }),
  )
  const faults = unknown
    .toSorted((a, b) => (a.path < b.path ? -1 : 1))
    .flatMap(({ path, reason, fault }) => {
      options.onSkipped?.(reason)
      return fault === undefined ? [] : [faultOf(below(root, path), fault)]
    })
  return [...faults, ...(await sized(root, known))]
}

/** Splits a glob into the folders before the first wildcard and the pattern below them. */
function splitGlob(pattern: string): { base: string; rest: string } {
  const parts = pattern.split('/')
  const wild = parts.findIndex(part => isDynamicPattern(part))
  const base = parts.slice(0, wild).join('/')
  return { base: base === '' ? (pattern.startsWith('/') ? '/' : '.') : base, rest: parts.slice(wild).join('/') }
}

/** Sorts by code units, so that the order does not depend on machine or locale. */
async function sized(root: string, inside: readonly string[]): Promise<FileOrFault[]> {
  const sorted = [...inside].sort((a, b) => (a < b ? -1 : 1))
  const realRoot = await realpath(root).catch(() => root)
  const found = await Promise.all(
    sorted.map(async (path): Promise<FileOrFault | null> => {
      const entry = await stat(join(root, path)).catch(() => null)
      if (entry === null) return faultOf(below(root, path), 'cannot be opened')
      if (!entry.isFile()) return null
      if (leadsOut(realRoot, await realpath(join(root, path)).catch(() => realRoot)))
        return faultOf(below(root, path), 'is a link to a file outside the folder; to load that file, name it itself')
      return { ...below(root, path), bytes: entry.size }
    }),
  )
  return found.filter(file => file !== null)
}

function leadsOut(root: string, path: string): boolean {
  const way = relative(root, path)
  return way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way)
}

/**
 * Source prefixes of documents from these paths, which are what `--prune` may remove. Globs and `.` are rejected: a
 * glob does not show which files were there before, and `.` would cover everything.
 */
export function sourceRoots(paths: readonly string[]): string[] {
  return paths.map(path => {
    const root = sourceOf(path, '')
    const isPlain = root !== '.' && (existsSync(path) || !isDynamicPattern(path))
    if (isPlain) return root
    throw new AskError('invalid_request', {
      detail: `--prune needs files or named folders, not ${JSON.stringify(path)}`,
    })
  })
}

function sourceOf(given: string, inside: string): string {
  const start = posix.normalize(given.split(sep).join('/')).replace(/(.)\/$/, '$1')
  const isElsewhere = isAbsolute(given) || start === '..' || start.startsWith('../')
  const name = isElsewhere ? basename(resolve(given)) : start
  // Normalized like all document names: spellings that differ only in whitespace or accents are one source.
  return cleanLine(posix.join(name, inside))
}

function below(root: string, inside: string): { path: string; source: string } {
  return { path: join(root, inside), source: sourceOf(root, inside) }
}

function faultOf({ path, source }: { path: string; source: string }, reason: string): { fault: ReadFault } {
  return { fault: { path, source, reason } }
}

function faultNamed(given: string, reason: string): { fault: ReadFault } {
  return faultOf({ path: given, source: sourceOf(given, '') }, reason)
}
