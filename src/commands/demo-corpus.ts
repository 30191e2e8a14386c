import { existsSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { createRequire } from 'node:module'
import { findFiles, type FileOrFault } from '../ingest/find-files.ts'
import type { FileOptions } from '../ingest/read.ts'

/**
 * Manuals of packages that this project depends on: real prose, on every machine that ran `npm ci`.
 * Only a selection of pages, because the local model reads about seventy sentences per second on one core.
 */
const manuals: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  fastify: {
    'docs/Guides': ['Getting-Started', 'Testing'],
    'docs/Reference': [
      'ContentTypeParser',
      'Decorators',
      'Encapsulation',
      'HTTP2',
      'Hooks',
      'LTS',
      'Lifecycle',
      'Logging',
      'Middleware',
      'Plugins',
      'Reply',
      'Request',
      'Routes',
      'Server',
      'Validation-and-Serialization',
    ],
  },
  pino: { docs: ['api', 'asynchronous', 'child-loggers', 'help', 'redaction', 'transports', 'web'] },
  '@fastify/rate-limit': { '.': ['README'] },
}

interface Manual {
  readonly name: string
  readonly folder: string
  /** Relative to the folder. */
  readonly paths: readonly string[]
  /** Web address of the files in exactly this version, or null if unknown. */
  readonly webBase: string | null
}

export interface ManualFiles {
  readonly found: readonly FileOrFault[]
  readonly options: FileOptions
}

/** Every page, named `<package>/<path>` and linked to its source on the web. */
export async function demoFiles(): Promise<ManualFiles[]> {
  const pages = installedManuals().flatMap(manual => manual.paths.map(path => ({ ...manual, path })))
  return await Promise.all(
    pages.map(async ({ name, folder, path, webBase }) => ({
      found: (await findFiles([join(folder, path)])).map(file =>
        'fault' in file ? file : { ...file, source: `${name}/${path}` },
      ),
      options: { language: 'en', metadata: { package: name }, url: webBase === null ? null : `${webBase}/${path}` },
    })),
  )
}

function installedManuals(): Manual[] {
  return Object.entries(manuals).flatMap(([name, folders]) => {
    const folder = folderOf(name)
    if (folder === null) return []
    const paths = Object.entries(folders).flatMap(([below, pages]) =>
      pages.map(page => posix.join(below, `${page}.md`)),
    )
    return [{ name, folder, paths: paths.filter(path => existsSync(join(folder, path))), webBase: webBaseOf(folder) }]
  })
}

/** Avoids `require.resolve`, because a package may not export its package.json. */
function folderOf(name: string): string | null {
  const parents = createRequire(import.meta.url).resolve.paths(name) ?? []
  return parents.map(parent => join(parent, name)).find(folder => existsSync(join(folder, 'package.json'))) ?? null
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
