import { statSync } from 'node:fs'
import type { Logger } from 'pino'
import { readDatabaseUrl } from './database-url.ts'
import { watchFiles } from './file-watch.ts'
import type { Setting } from './kinds.ts'
import { readRedisUrl } from './redis-url.ts'
import { settings } from './settings.ts'
import type { FollowSecret, SecretFile } from './terms.ts'
import { readText } from './text-file.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** API_KEYS_FILE is a setting of its own: its file changes the list of keys in addition to API_KEYS. */
const withOwnFile = 'API_KEYS'

/** The settings that may be read from a file. */
export const fileSettings: readonly Setting<unknown>[] = Object.values<Setting<unknown>>(settings).filter(
  ({ name, isSecret }) => isSecret && name !== withOwnFile,
)

/** Replaces `NAME_FILE` by NAME, for every secret. Adds a fault for each file that cannot be used. */
export function withFiles(
  env: Environment,
  faults: string[],
): { readonly values: Environment; readonly files: readonly SecretFile[] } {
  const files: SecretFile[] = []
  const values: Record<string, string | undefined> = { ...env }
  for (const name of fileSettings.flatMap(namesOf)) {
    const path = env[`${name}_FILE`]?.trim()
    if (path === undefined) continue
    if (env[name] !== undefined) {
      faults.push(`${name} and ${name}_FILE are both set; unset one of them`)
      continue
    }
    const found = readSecret(path)
    if ('fault' in found) faults.push(`${name}_FILE is ${JSON.stringify(path)}, ${found.fault}`)
    else {
      values[name] = found.text
      files.push({ name, path })
    }
  }
  return { values, files }
}

function namesOf({ name, preferredName }: Setting<unknown>): string[] {
  return preferredName === undefined ? [name] : [name, preferredName]
}

const maxBytes = 65_536

/** The text of the file without a byte order mark and the line ending that editors add. A fault never quotes it. */
export function readSecret(path: string): { readonly text: string } | { readonly fault: string } {
  try {
    const stats = statSync(path)
    // Reading a device or a pipe might never end.
    if (!stats.isFile()) return { fault: 'which is not a file' }
    if (stats.size > maxBytes) return { fault: `which has ${stats.size} bytes; a secret has at most ${maxBytes}` }
    const text = readText(path).trim()
    if (text === '') return { fault: 'which is empty' }
    if (/[\0\ufffd]/.test(text)) return { fault: 'which is not UTF-8 text' }
    return /[\r\n]/.test(text) ? { fault: 'which has several lines; it must contain the value alone' } : { text }
  } catch (error) {
    return { fault: `which cannot be read (${(error as NodeJS.ErrnoException).code})` }
  }
}

export interface SecretSource {
  readonly follow: FollowSecret
  /** Reads all files again, at once. */
  reload(): void
  close(): void
}

/**
 * Reads the files again when they change. A file that is unreadable, empty or invalid changes nothing: a half-written
 * file must not cut us off from the database. `onText` is called with each new value first.
 */
export function watchSecrets(
  files: readonly SecretFile[],
  log: Pick<Logger, 'info' | 'warn' | 'error'>,
  onText: (text: string) => void = () => {},
): SecretSource {
  const listeners = new Map<string, ((text: string) => void)[]>()
  const watch = watchFiles(
    files.map(({ path }) => path),
    path => files.filter(each => each.path === path).forEach(reread),
  )
  const current = new Map(files.map(({ name, path }) => [name, currentText(path)]))

  function reread({ name, path }: SecretFile): void {
    const found = readSecret(path)
    const fault = 'fault' in found ? found.fault : faultOf(name, found.text)
    if (fault !== null)
      return log.error(`${name}_FILE is ${JSON.stringify(path)}, ${fault}: keeping the previous value`)
    const text = (found as { readonly text: string }).text
    const before = current.get(name)
    if (text === before) return
    current.set(name, text)
    onText(text)
    const followers = listeners.get(name) ?? []
    if (followers.length === 0) return log.warn(`${name}_FILE has changed: restart Askwell to use the new value`)
    for (const follow of followers) follow(text)
    if (before !== undefined && withoutLogin(name, before) !== withoutLogin(name, text))
      return log.warn(
        `${name}_FILE has changed: its user and password are used from now on; restart Askwell to use the rest of the new value`,
      )
    log.info(`${name}_FILE has changed: the new value is used from now on`)
  }

  return {
    follow(name, onChange) {
      if (current.has(name)) listeners.set(name, [...(listeners.get(name) ?? []), onChange])
    },
    reload: () => files.forEach(reread),
    close: watch.close,
  }
}

/** What a new value of a URL changes only after a restart; the same for all values of other settings. */
function withoutLogin(name: string, text: string): string {
  const parsed = name === 'DATABASE_URL' ? readDatabaseUrl(text) : name === 'REDIS_URL' ? readRedisUrl(text) : {}
  return JSON.stringify({ ...parsed, user: '', username: '', password: '' })
}

function currentText(path: string): string | undefined {
  const found = readSecret(path)
  return 'text' in found ? found.text : undefined
}

function faultOf(name: string, text: string): string | null {
  const each = fileSettings.find(known => namesOf(known).includes(name))
  return each && each.read(text) === undefined ? `whose content is invalid; it must be ${each.allowed}` : null
}
