import type { LoadingCall } from '../ask/retrieval/embedder.ts'
import { isAskError } from '../errors.ts'
import type { Host } from './host.ts'
import { say } from './output.ts'

/** How quickly a command embeds, and how it waits for a model. */
export interface EmbeddingRate {
  /** For the calls of the embedder. */
  readonly loading: LoadingCall
  /** Texts per second over the last half minute; null while nothing is embedded. */
  perSecond(): number | null
  /** Texts embedded so far. */
  total(): number
}

/** Nobody waits for a command at a screen that answers within seconds: a quota may refill by the minute. */
const patienceMs = 600_000
const windowMs = 30_000

export interface RateOptions {
  /** Called whenever texts were embedded. */
  readonly onEmbedded?: () => void
  /** Prints a message. */
  readonly line?: (text: string) => void
}

export function createEmbeddingRate(host: Host, options: RateOptions = {}): EmbeddingRate {
  const { onEmbedded = () => {}, line = (text: string) => say(host, text) } = options
  const startedAt = performance.now()
  /** Of the last half minute. */
  let recent: { readonly at: number; readonly texts: number }[] = []
  let total = 0

  function perSecond(): number | null {
    const now = performance.now()
    recent = recent.filter(({ at }) => now - at < windowMs)
    if (recent.length === 0) return null
    const texts = recent.reduce((sum, each) => sum + each.texts, 0)
    return texts / (Math.max(1, Math.min(windowMs, now - startedAt)) / 1000)
  }

  return {
    perSecond,
    total: () => total,
    loading: {
      patienceMs,
      onEmbedded(texts) {
        total += texts
        recent.push({ at: performance.now(), texts })
        onEmbedded()
      },
      onWait: (ms, error) => line(waitLine(ms, error)),
    },
  }
}

function waitLine(ms: number, error: unknown): string {
  if (ms === 0) return 'askwell: the model API took too long: trying again with fewer texts'
  const why = isAskError(error) ? error.detail.replace(/[.;].*$/s, '') : 'The model API failed'
  return `askwell: ${why}: going on in ${Math.max(1, Math.round(ms / 1000))} s`
}

/** `, 6.2 texts/s`, with about how many are left where `left` is known; empty while nothing is embedded. */
export function rateWords(rate: Pick<EmbeddingRate, 'perSecond'>, left: number | null = null): string {
  const perSecond = rate.perSecond()
  if (perSecond === null) return ''
  const remaining = left === null ? '' : `, about ${Math.round(left)} texts left`
  return `, ${perSecond.toFixed(perSecond < 10 ? 1 : 0)} texts/s${remaining}`
}
