import { stat } from 'node:fs/promises'

export interface FileWatch {
  close(): void
}

/** Polls, because `fs.watch` sees no changes on network mounts and loses track of a file that is replaced. */
const pollMs = 2000

/** Calls `onChange` with each file that has changed. Follows links: mounted secrets are changed by replacing a link. */
export function watchFiles(paths: readonly string[], onChange: (path: string) => void): FileWatch {
  const stamps = new Map<string, string>()
  let timer = setTimeout(poll, pollMs).unref()
  let isClosed = false
  // Taken now, so that a change before the first poll is noticed.
  const first = Promise.all(paths.map(async path => void stamps.set(path, await stampOf(path))))

  async function poll(): Promise<void> {
    await first
    for (const path of paths) {
      const stamp = await stampOf(path)
      if (isClosed) return
      if (stamp === stamps.get(path)) continue
      stamps.set(path, stamp)
      onChange(path)
    }
    timer = setTimeout(poll, pollMs).unref()
  }

  return {
    close() {
      isClosed = true
      clearTimeout(timer)
    },
  }
}

/** Identifies a version of the file. */
async function stampOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(path)
    return `${ino} ${size} ${mtimeMs}`
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code)
  }
}
