import type { Writable } from 'node:stream'

/** Where the log goes. Nothing waits for it: a reader that does not read or a full disk costs lines, never memory. */
export interface Output {
  /** Writes lines, or counts them as lost. Never throws. */
  write(text: string | Buffer, lines: number): void
  /** True while the reader has not read all that was written. */
  isBlocked(): boolean
  /** Calls `listener` once when the reader has. */
  onceDrained(listener: () => void): void
  status(): OutputStatus
}

export interface OutputStatus {
  /** Lines that were not written. */
  readonly lost: number
  /** How long ago the last one was lost; null if none was. */
  readonly lostAgoMs: number | null
}

/** What may wait for a reader: several seconds of a busy log. */
const maxWaitingBytes = 4 * 2 ** 20

export function boundOutput(stream: Writable): Output {
  let lost = 0
  let lostAt: number | null = null
  const lose = (lines: number) => {
    lost += lines
    lostAt = performance.now()
  }
  // A closed pipe or a full disk fails each write as well, which is where it is counted.
  stream.on('error', () => {})
  return {
    write(text, lines) {
      if (stream.writableLength > maxWaitingBytes) lose(lines)
      else stream.write(text, error => error && lose(lines))
    },
    isBlocked: () => stream.writableNeedDrain,
    onceDrained: listener => void stream.once('drain', listener),
    status: () => ({ lost, lostAgoMs: lostAt === null ? null : performance.now() - lostAt }),
  }
}

let stdout: Output | undefined

/** The only writer of log lines in this process. */
export function standardOutput(): Output {
  return (stdout ??= boundOutput(process.stdout))
}
