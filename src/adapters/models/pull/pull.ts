import { copyFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { manifestFile, type Manifest } from '../onnx/manifest.ts'
import { download, sumOf, type Downloaded } from './download.ts'
import { claimFolder } from './claim.ts'
import { NotThere, PullError } from './pull-error.ts'

export interface PullSource {
  readonly name: string
  readonly kind: Manifest['kind']
  /** An address that the files are under, or a folder. */
  readonly from: string
  readonly files: readonly SourceFile[]
  readonly usage: Pick<Manifest, 'license' | 'languages' | 'prefixes' | 'pooling'>
}

export interface SourceFile {
  readonly from: string
  readonly to: string
  readonly sha256?: string
  /** The model can do without it. */
  readonly isOptional?: boolean
}

export interface PullOptions {
  /** Of all models. */
  readonly models: string
  readonly signal: AbortSignal
  /** Called with the file, the bytes received of it so far, and its size if that is known. */
  readonly onBytes?: (file: string, received: number, size: number | null) => void
  readonly onRetry?: (attempt: number, reason: string) => void
  readonly sleep?: (ms: number) => Promise<unknown>
}

/** `address` of the manifest of a model that is there already and complete; nothing was downloaded. */
export interface Pulled {
  readonly folder: string
  readonly manifest: Manifest
  readonly isNew: boolean
}

const nameOfModel = /^[a-z0-9][a-z0-9._-]{0,99}$/i

/**
 * Puts a model into its folder, all of its files or none: they are collected in a folder next to it, which gets its
 * name at the end. What was collected before the process was stopped is used again. A model that was pulled before must
 * have the same sums.
 */
export async function pull(source: PullSource, options: PullOptions): Promise<Pulled> {
  const { models, signal } = options
  rejectName(source.name)
  const folder = join(models, source.name)
  const staging = join(models, `.${source.name}.part`)
  await mkdir(models, { recursive: true })
  const release = await claimFolder(join(models, `.${source.name}.lock`), source.name)
  try {
    const before = await readManifest(folder)
    if (before && (await isComplete(folder, before))) return { folder, manifest: before, isNew: false }
    await mkdir(staging, { recursive: true })
    const files: Manifest['files'][number][] = []
    for (const file of source.files) {
      signal.throwIfAborted()
      const sha256 = file.sha256 ?? before?.files.find(each => each.path === file.to)?.sha256
      const fetched = await fetchFile(source, { ...file, sha256 }, staging, options).catch(unlessOptional(file))
      if (fetched) files.push({ path: file.to, ...fetched })
    }
    const { name, kind, from: address, usage } = source
    const manifest: Manifest = { name, kind, address, pulledAt: new Date().toISOString(), ...usage, files }
    await writeFile(join(staging, manifestFile), `${JSON.stringify(manifest, null, 2)}\n`)
    await rm(folder, { recursive: true, force: true })
    await rename(staging, folder)
    return { folder, manifest, isNew: true }
  } finally {
    await release()
  }
}

function rejectName(name: string): void {
  if (!nameOfModel.test(name))
    throw new PullError(`"${name}" is no name for a model: use letters, digits, ".", "_" and "-"`)
}

function unlessOptional({ isOptional }: SourceFile): (error: unknown) => null {
  return error => {
    if (isOptional && error instanceof NotThere) return null
    throw error
  }
}

interface WantedFile {
  readonly from: string
  readonly to: string
  readonly sha256: string | undefined
}

async function fetchFile(
  { from }: PullSource,
  { from: path, to, sha256 }: WantedFile,
  staging: string,
  { signal, onBytes, onRetry, sleep }: PullOptions,
): Promise<Downloaded> {
  const file = join(staging, to)
  const there = await sumOf(file).catch(() => null)
  if (there && (sha256 === undefined || there.sha256 === sha256)) return there
  if (!isAddress(from)) return await copied(join(from, path), file, sha256)
  return await download({
    url: `${from.replace(/\/$/, '')}/${path}`,
    file,
    sha256,
    signal,
    onBytes: (received, size) => onBytes?.(to, received, size),
    onRetry: (attempt, reason) => onRetry?.(attempt, reason),
    ...(sleep && { sleep }),
  })
}

export function isAddress(from: string): boolean {
  return /^https?:\/\//i.test(from)
}

async function copied(source: string, file: string, expected: string | undefined): Promise<Downloaded> {
  await mkdir(dirname(file), { recursive: true })
  try {
    await copyFile(source, `${file}.part`)
  } catch (error) {
    await rm(`${file}.part`, { force: true })
    const { code } = error as { readonly code?: string }
    if (code === 'ENOSPC' || code === 'EDQUOT')
      throw new PullError(`the disk of ${dirname(file)} is full: make room, then run the same command again`, error)
    throw new PullError(`${source} cannot be copied (${code}); --from names the folder of a model in ONNX form`, error)
  }
  const found = await sumOf(`${file}.part`)
  if (expected !== undefined && found.sha256 !== expected) {
    await rm(`${file}.part`)
    throw new PullError(
      `${source} is not the file that was expected: its SHA-256 is ${found.sha256}, not ${expected}; nothing was changed`,
    )
  }
  await rename(`${file}.part`, file)
  return found
}

/** Null when the folder has none: it is no pulled model. */
export async function readManifest(folder: string): Promise<Manifest | null> {
  try {
    return JSON.parse(await readFile(join(folder, manifestFile), 'utf8')) as Manifest
  } catch {
    return null
  }
}

/** Whether all files are there, in their length. */
async function isComplete(folder: string, { files }: Manifest): Promise<boolean> {
  for (const { path, bytes } of files) {
    const found = await stat(join(folder, path)).catch(() => null)
    if (found?.size !== bytes) return false
  }
  return true
}

/** Names of the pulled models with what was recorded of them. */
export async function pulledModels(models: string): Promise<ReadonlyMap<string, Manifest>> {
  const names = await readdir(models).catch(() => [])
  const found = new Map<string, Manifest>()
  for (const name of names.filter(each => !each.startsWith('.')).sort()) {
    const manifest = await readManifest(join(models, name))
    if (manifest) found.set(name, manifest)
  }
  return found
}

/** Deletes a pulled model, and what is left of an attempt to pull it. False if there was nothing. */
export async function removePulled(models: string, name: string): Promise<boolean> {
  rejectName(name)
  const paths = [join(models, name), join(models, `.${name}.part`)]
  const found = await Promise.all(paths.map(path => stat(path).catch(() => null)))
  if (found.every(each => each === null)) return false
  if (found[0] && !(await readManifest(paths[0]!)))
    throw new PullError(`${paths[0]} was not pulled by Askwell: delete it yourself if you no longer need it`)
  for (const path of paths) await rm(path, { recursive: true, force: true })
  return true
}
