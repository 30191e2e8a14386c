import { findFiles } from '../../src/ingest/find-files.ts'
import { readFound, type ReadOptions } from '../../src/ingest/read.ts'
import type { ReadResult } from '../../src/ingest/terms.ts'

/** Reads the documents of files, folders and globs, one at a time and in a fixed order, in this process. */
export async function* readPaths(paths: readonly string[], options: ReadOptions = {}): AsyncGenerator<ReadResult> {
  for (const found of await findFiles(paths)) {
    if ('fault' in found) yield found
    else yield* readFound({ ...found, options }, options)
  }
}
