import type { Found } from './find-files.ts'
import { formatOf } from './formats.ts'
import type { FileOptions, FileToRead } from './read.ts'
import type { ReadFault } from './terms.ts'

/** Files that are read in one task, or something that cannot be read at all. */
export type Group = { readonly files: readonly FileToRead[] } | { readonly fault: ReadFault }

/** Small files are read together: each task has its price. */
const filesOfGroup = 64
const bytesOfGroup = 256 * 1024

/** What was found, in order: small files of text together; a file of rows, or one that must be unpacked, by itself. */
export function* groupsOf(found: Iterable<Found>, options: FileOptions): Generator<Group> {
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

/** Whether it may go with those before it. One that may not go with others takes no other along either. */
function isSmall({ path, bytes }: { path: string; bytes: number }, before: readonly FileToRead[]): boolean {
  const isText = (name: string) => formatOf(name)?.kind === 'text'
  const sum = before.reduce((total, file) => total + file.bytes, bytes)
  return isText(path) && before.every(file => isText(file.path)) && before.length < filesOfGroup && sum <= bytesOfGroup
}
