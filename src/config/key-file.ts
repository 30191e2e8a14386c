import { hash } from 'node:crypto'
import type { Logger } from 'pino'
import { readApiKeys, type ApiKey, type Sources } from './api-keys.ts'
import { watchFiles } from './file-watch.ts'
import type { FollowSecret } from './terms.ts'

/** API keys that may change while the service runs. */
export interface KeySource {
  /** Calls `onChange` with all keys each time they have changed. */
  watch(onChange: (keys: readonly ApiKey[]) => void): void
  /** Reads the keys again, at once. */
  reload(): void
  close(): void
}

/**
 * Reloads the keys when API_KEYS_FILE has changed, or the file of ADMIN_API_KEY or MONITORING_API_KEY. A file that is
 * unreadable or invalid changes nothing: a half-written file must not lock everyone out.
 */
export function watchKeyFile(
  initial: Sources,
  log: Pick<Logger, 'info' | 'error'>,
  follow: FollowSecret = () => {},
): KeySource {
  let sources = initial
  let onChange: (keys: readonly ApiKey[]) => void = () => {}
  const watch = watchFiles(initial.file === undefined ? [] : [initial.file], reload)
  for (const { name } of initial.named ?? []) follow(name, key => replace(name, key))

  function replace(name: string, key: string): void {
    const named = (sources.named ?? []).map(each =>
      each.name === name ? { ...each, sha256: hash('sha256', key, 'hex') } : each,
    )
    sources = { ...sources, named }
    reload()
  }

  function reload(): void {
    const faults: string[] = []
    const keys = readApiKeys(sources, faults)
    if (faults.length > 0)
      return log.error(
        { faults },
        'API_KEYS_FILE has changed but is invalid: keeping the previous keys until it is corrected',
      )
    log.info({ keys: keys.map(({ name }) => name) }, 'API keys reloaded')
    onChange(keys)
  }

  return { watch: listener => void (onChange = listener), reload, close: watch.close }
}
