import { statSync, type Stats } from 'node:fs'
import { stat } from 'node:fs/promises'

export interface FileWatch {
  close(): void
}

/** Polls, because `fs.watch` sees no changes on network mounts and loses track of a file that is replaced. */
const pollMs = 2000

/** Calls `onChange` with each file that has changed. Follows links: mounted secrets are changed by replacing a link. */
export function watchFiles(paths: readonly string[], onChange: (path: string) => void): FileWatch {
  // Taken before this returns, so that no change is missed between reading a file and watching it.
  const stamps = new Map(paths.map(path => [path, stampNow(path)]))
  let timer = setTimeout(poll, pollMs).unref()
  let isClosed = false

  async function poll(): Promise<void> {
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
  return await stat(path).then(stampIn, codeOf)
}

function stampNow(path: string): string {
  try {
    return stampIn(statSync(path))
  } catch (error) {
    return codeOf(error)
  }
}

const stampIn = ({ ino, size, mtimeMs }: Stats) => `${ino} ${size} ${mtimeMs}`
const codeOf = (error: unknown) => String((error as NodeJS.ErrnoException).code)
