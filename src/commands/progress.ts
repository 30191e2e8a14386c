import { SingleBar } from 'cli-progress'
import type { LoadingCall } from '../ask/retrieval/embedder.ts'
import type { LoadReport } from '../ingest/load.ts'
import { printable } from '../text/printable.ts'
import { createEmbeddingRate, rateWords, type EmbeddingRate } from './embedding-rate.ts'
import type { Host } from './host.ts'
import { say } from './output.ts'

export interface Progress {
  /** For the calls of the embedder, whose rate is shown. */
  readonly loading: LoadingCall
  /** Adds to the bytes read so far. */
  bytes(count: number): void
  report(report: LoadReport): void
  /** Prints a message that the bar must not overwrite. */
  line(text: string): void
  end(): void
}

const logEveryMs = 5000

/**
 * Shows progress on stderr: on a terminal a bar with rate and time left, elsewhere a plain line every few seconds. Also
 * between two reports, because a slow model takes a minute for what is stored together.
 */
export function createProgress(host: Host, totalBytes: number): Progress {
  return host.stderr.isTTY ? barProgress(host, totalBytes) : lineProgress(host, totalBytes)
}

type Shown = Pick<LoadReport, 'documents' | 'chunks' | 'doneShare'>

const nothing: Shown = { documents: 0, chunks: 0, doneShare: 0 }

function barProgress(host: Host, totalBytes: number): Progress {
  const bar = new SingleBar({
    format: '{bar} {percentage}% | {documents} documents, {chunks} chunks{rate} | {eta_formatted} left',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 30,
    stream: host.stderr,
    hideCursor: true,
    etaBuffer: 50,
  })
  bar.start(Math.max(1, totalBytes), 0, { documents: 0, chunks: 0, rate: '' })
  const rate = createEmbeddingRate(host, { onEmbedded: show, line })
  let read = 0
  let last = nothing

  function line(text: string): void {
    host.stderr.write('\r\u001B[K')
    say(host, text)
  }

  function show(): void {
    const { documents, chunks, doneShare } = last
    const share = (read * doneShare) / Math.max(1, totalBytes)
    bar.update(read * doneShare, { documents, chunks, rate: rateWords(rate, textsLeft(rate, share)) })
  }

  return {
    loading: rate.loading,
    bytes: count => void (read += count),
    report(report) {
      last = report
      show()
    },
    line,
    end() {
      bar.update(Math.max(1, totalBytes))
      bar.stop()
    },
  }
}

function lineProgress(host: Host, totalBytes: number): Progress {
  const startedAt = performance.now()
  const rate = createEmbeddingRate(host, { onEmbedded: show })
  let lastLineAt = startedAt
  let read = 0
  let last = nothing

  function show(): void {
    const now = performance.now()
    if (now - lastLineAt < logEveryMs) return
    lastLineAt = now
    const { doneShare } = last
    const share = Math.min(1, (read * doneShare) / Math.max(1, totalBytes))
    const embedding = rateWords(rate, textsLeft(rate, share))
    say(host, progressLine(share, last, (now - startedAt) / 1000, embedding))
  }

  return {
    loading: rate.loading,
    bytes: count => void (read += count),
    report(report) {
      last = report
      show()
    },
    line: text => say(host, text),
    end() {},
  }
}

/** An estimate from what was embedded for the share that is done; null while that is too little to say. */
function textsLeft(rate: EmbeddingRate, share: number): number | null {
  return share > 0 && share <= 1 ? rate.total() * (1 / share - 1) : null
}

/** The time left is omitted until something is done. `embedding`: as {@link rateWords}. */
export function progressLine(
  share: number,
  { documents, chunks }: Pick<LoadReport, 'documents' | 'chunks'>,
  seconds: number,
  embedding = '',
): string {
  const left = share > 0 ? `, about ${Math.round(seconds * (1 / share - 1))} s left` : ''
  return `${Math.round(share * 100)} % done, ${documents} documents, ${chunks} chunks${embedding}${left}`
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
