import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRequire } from 'node:module'
import { measurePaths, readPaths } from '../ingest/read.ts'
import type { ReadResult } from '../ingest/terms.ts'

/** Manuals that come with packages this project depends on: real prose, on every machine that ran `npm ci`. */
const manuals: readonly (readonly [name: string, path: string])[] = [
  ['fastify', 'docs'],
  ['pino', 'docs'],
  ['ioredis', 'README.md'],
  ['postgres', 'README.md'],
  ['openai', 'README.md'],
  ['commander', 'Readme.md'],
  ['prom-client', 'README.md'],
  ['@fastify/rate-limit', 'README.md'],
  ['lru-cache', 'README.md'],
]

interface Manual {
  readonly name: string
  readonly folder: string
  readonly paths: readonly string[]
  /** Where its files can be read on the web, at this very version. */
  readonly webBase: string | null
}

/** Bytes to read, for the progress bar. */
export async function measureDemo(): Promise<number> {
  const { bytes } = await measurePaths(installedManuals().flatMap(manual => manual.paths))
  return bytes
}

/** Every page, named `<package>/<path>` and linked to its source on the web. */
export async function* readDemo(onBytes: (count: number) => void): AsyncGenerator<ReadResult> {
  for (const manual of installedManuals()) {
    for await (const result of readPaths(manual.paths, { cwd: manual.folder, language: 'en', metadata: { package: manual.name }, onBytes })) {
      yield 'fault' in result ? result : { document: { ...result.document, ...addressOf(manual, result.document.source) } }
    }
  }
}

function addressOf({ name, webBase }: Manual, source: string) {
  return { source: `${name}/${source}`, url: webBase === null ? null : `${webBase}/${source}` }
}

function installedManuals(): Manual[] {
  return manuals.flatMap(([name, path]) => {
    const folder = folderOf(name)
    if (folder === null || !existsSync(join(folder, path))) return []
    return [{ name, folder, paths: [join(folder, path)], webBase: webBaseOf(folder) }]
  })
}

/** Without `require.resolve`: a package may not export its package.json. */
function folderOf(name: string): string | null {
  const places = createRequire(import.meta.url).resolve.paths(name) ?? []
  return places.map(place => join(place, name)).find(folder => existsSync(join(folder, 'package.json'))) ?? null
}

interface Manifest {
  readonly version: string
  readonly repository?: string | { readonly url?: string; readonly directory?: string }
}

function webBaseOf(folder: string): string | null {
  const { version, repository } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
  const text = typeof repository === 'string' ? repository : (repository?.url ?? '')
  const match = /(?:github\.com[/:]|github:|^)([\w.-]+\/[\w.-]+?)(?:\.git)?$/.exec(text)
  if (!match) return null
  const directory = typeof repository === 'object' && repository.directory ? `/${repository.directory}` : ''
  return `https://github.com/${match[1]}/blob/v${version}${directory}`
}
