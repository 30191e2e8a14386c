import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Mutation } from './list.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Folders at the top that no test reads. */
const leftOut: ReadonlySet<string> = new Set(['.git', '.tap', '.askwell', 'coverage'])

/** A copy of this checkout in a temporary folder. It shares `node_modules` by a symbolic link. */
export interface Checkout {
  readonly folder: string
  /** Returns false, and changes nothing, unless the text of the mutation occurs exactly once. */
  apply(mutation: Mutation): boolean
  remove(): void
}

export function copyCheckout(): Checkout {
  const folder = mkdtempSync(join(tmpdir(), 'askwell-test-mutation-'))
  cpSync(root, folder, {
    recursive: true,
    filter: source => basename(source) !== 'node_modules' && !leftOut.has(relative(root, source)),
  })
  symlinkSync(realpathSync(join(root, 'node_modules')), join(folder, 'node_modules'))
  return {
    folder,
    apply(mutation) {
      const file = join(folder, mutation.file)
      const text = mutated(readFileSync(file, 'utf8'), mutation)
      if (text !== null) writeFileSync(file, text)
      return text !== null
    },
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }),
  }
}

/** The text with the fault in it, or null unless `find` occurs exactly once. */
export function mutated(text: string, { find, replace }: Pick<Mutation, 'find' | 'replace'>): string | null {
  const [before, after, ...more] = text.split(find)
  return after === undefined || more.length > 0 ? null : `${before}${replace}${after}`
}
