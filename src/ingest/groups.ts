import type { FileOrFault } from './find-files.ts'
import { formatOf } from './formats.ts'
import type { FileOptions, FileToRead } from './read.ts'
import type { ReadFault } from './terms.ts'

/** Files that are read in one task, or a path that cannot be read at all. */
export type Group = { readonly files: readonly FileToRead[] } | { readonly fault: ReadFault }

/** Small files are read together, because each task has a fixed cost. */
const maxGroupFiles = 64
const maxGroupBytes = 256 * 1024

/** Groups the files in order. Small text files share a group; files of rows and binary formats get their own. */
export function* groupsOf(found: Iterable<FileOrFault>, options: FileOptions): Generator<Group> {
  let files: FileToRead[] = []
  for (const each of found) {
    const isJoined = !('fault' in each) && isSmall(each, files)
    if (!isJoined && files.length > 0) {
      yield { files }
      files = []
    }
    if ('fault' in each) yield each
    else files.push({ ...each, options })
  }
  if (files.length > 0) yield { files }
}

/** Whether a file can join the files before it. Only text files share a group. */
function isSmall({ path, bytes }: { path: string; bytes: number }, before: readonly FileToRead[]): boolean {
  const isText = (name: string) => formatOf(name)?.kind === 'text'
  const sum = before.reduce((total, file) => total + file.bytes, bytes)
  return (
    isText(path) && before.every(file => isText(file.path)) && before.length < maxGroupFiles && sum <= maxGroupBytes
  )
}
