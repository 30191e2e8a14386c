import { stat } from 'node:fs/promises'
import type { Logger } from 'pino'
import { readApiKeys, type ApiKey, type Sources } from './api-keys.ts'

/** API keys that may change while the service runs. */
export interface KeySource {
  /** Calls `onChange` with all keys each time they have changed. */
  watch(onChange: (keys: readonly ApiKey[]) => void): void
  close(): void
}

/** Polls, because `fs.watch` sees no changes on network mounts and loses track of a file that is replaced. */
const pollMs = 2000

/**
 * Reloads the keys when API_KEYS_FILE has changed, and on SIGHUP. A file that is unreadable or invalid changes nothing:
 * a half-written file must not lock everyone out.
 */
export function watchKeyFile(
  sources: Sources & { readonly file: string },
  log: Pick<Logger, 'info' | 'error'>,
): KeySource {
  let onChange: (keys: readonly ApiKey[]) => void = () => {}
  let lastStamp: string | undefined
  let timer = setTimeout(poll, pollMs).unref()
  let isClosed = false
  // Taken now, so that a change before the first poll is noticed.
  const firstStamp = stampOf(sources.file).then(stamp => void (lastStamp = stamp))
  process.on('SIGHUP', reload)

  async function poll(): Promise<void> {
    await firstStamp
    const stamp = await stampOf(sources.file)
    if (isClosed) return
    if (stamp !== lastStamp) reload()
    lastStamp = stamp
    timer = setTimeout(poll, pollMs).unref()
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

  function close(): void {
    isClosed = true
    clearTimeout(timer)
    process.off('SIGHUP', reload)
  }

  return { watch: listener => void (onChange = listener), close }
}

/** Identifies a version of the file; follows links, which mounted secrets use. */
async function stampOf(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(file)
    return `${ino} ${size} ${mtimeMs}`
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code)
  }
}
