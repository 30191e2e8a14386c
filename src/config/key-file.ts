import { stat } from 'node:fs/promises'
import type { Logger } from 'pino'
import { readApiKeys, type ApiKey, type Sources } from './api-keys.ts'

/** Keys that may change while the service runs. */
export interface KeySource {
  /** Calls `take` with all keys, each time that they have changed. */
  watch(take: (keys: readonly ApiKey[]) => void): void
  close(): void
}

/** Not with `fs.watch`, which hears nothing of what is mounted over a network, and loses a file that is replaced. */
const lookMs = 2000

/**
 * Reads the keys anew when the file in API_KEYS_FILE has changed, and on SIGHUP. One that cannot be read, or has a
 * fault, changes nothing: half a file must not lock everybody out.
 */
export function watchKeyFile(
  sources: Sources & { readonly file: string },
  log: Pick<Logger, 'info' | 'error'>,
): KeySource {
  let take: (keys: readonly ApiKey[]) => void = () => {}
  let before: string | undefined
  let timer = setTimeout(look, lookMs).unref()
  let isClosed = false
  // What it is like now, in time for a change that comes before the first look.
  const begun = stampOf(sources.file).then(stamp => void (before = stamp))
  process.on('SIGHUP', read)

  async function look(): Promise<void> {
    await begun
    const stamp = await stampOf(sources.file)
    if (isClosed) return
    if (stamp !== before) read()
    before = stamp
    timer = setTimeout(look, lookMs).unref()
  }

  function read(): void {
    const faults: string[] = []
    const keys = readApiKeys(sources, faults)
    if (faults.length > 0)
      return log.error({ faults }, 'API_KEYS_FILE has changed, and is not usable: the keys from before hold')
    log.info({ keys: keys.map(({ name }) => name) }, 'keys read anew')
    take(keys)
  }

  function close(): void {
    isClosed = true
    clearTimeout(timer)
    process.off('SIGHUP', read)
  }

  return { watch: each => void (take = each), close }
}

/** Also of one that a link leads to, as where secrets are mounted. */
async function stampOf(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(file)
    return `${ino} ${size} ${mtimeMs}`
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code)
  }
}
