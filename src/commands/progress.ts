import { SingleBar } from 'cli-progress'
import type { LoadReport } from '../ingest/load.ts'
import { printable } from '../text/printable.ts'
import type { Host } from './host.ts'
import { say } from './output.ts'

export interface Progress {
  /** Adds to the bytes read so far. */
  bytes(count: number): void
  report(report: LoadReport): void
  /** Prints a message that the bar must not overwrite. */
  line(text: string): void
  end(): void
}

const logEveryMs = 5000

/** Shows progress on stderr: on a terminal a bar with rate and time left, elsewhere a plain line every few seconds. */
export function createProgress(host: Host, totalBytes: number): Progress {
  return host.stderr.isTTY ? barProgress(host, totalBytes) : lineProgress(host, totalBytes)
}

function barProgress(host: Host, totalBytes: number): Progress {
  const startedAt = performance.now()
  const bar = new SingleBar({
    format: '{bar} {percentage}% | {documents} documents, {chunks} chunks, {rate} chunks/s | {eta_formatted} left',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 30,
    stream: host.stderr,
    hideCursor: true,
    etaBuffer: 50,
  })
  bar.start(Math.max(1, totalBytes), 0, { documents: 0, chunks: 0, rate: 0 })
  let read = 0
  return {
    bytes: count => void (read += count),
    report({ documents, chunks, doneShare }) {
      const rate = Math.round(chunks / ((performance.now() - startedAt) / 1000))
      bar.update(read * doneShare, { documents, chunks, rate })
    },
    line(text) {
      host.stderr.write('\r\u001B[K')
      say(host, text)
    },
    end() {
      bar.update(Math.max(1, totalBytes))
      bar.stop()
    },
  }
}

function lineProgress(host: Host, totalBytes: number): Progress {
  const startedAt = performance.now()
  let lastLineAt = startedAt
  let read = 0
  return {
    bytes: count => void (read += count),
    report({ documents, chunks, doneShare }) {
      const now = performance.now()
      if (now - lastLineAt < logEveryMs) return
      lastLineAt = now
      const share = Math.min(1, (read * doneShare) / Math.max(1, totalBytes))
      say(host, progressLine(share, documents, chunks, (now - startedAt) / 1000))
    },
    line: text => say(host, text),
    end() {},
  }
}

/** The time left is omitted until something is done. */
export function progressLine(share: number, documents: number, chunks: number, seconds: number): string {
  const left = share > 0 ? `, about ${Math.round(seconds * (1 / share - 1))} s left` : ''
  return `${Math.round(share * 100)} % done, ${documents} documents, ${chunks} chunks${left}`
}

/** Prints the amount of finished work on stderr, one plain line every few seconds. */
export function createCounter(host: Host, what: string): (name: string, done: number, total: number) => void {
  let lastLineAt = performance.now()
  return (name, done, total) => {
    const now = performance.now()
    if (now - lastLineAt < logEveryMs) return
    lastLineAt = now
    say(host, `${printable(name)}: ${done} of ${total} ${what}`)
  }
}
