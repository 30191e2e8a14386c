import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import type { Models } from '../adapters/models/models.ts'
import type { Config } from '../config/terms.ts'
import { textsOfUnits } from '../ingest/embed-drafts.ts'
import type { Outcome } from '../ingest/outcomes.ts'
import type { Host } from './host.ts'
import { say } from './output.ts'

/** What embedding costs, per million tokens. */
export interface EmbeddingPrice {
  readonly amount: number
  readonly currency: string
}

/** Null when embedding is free, or its price is not set. */
export function embeddingPrice(
  { prices }: Config['models'],
  { isEmbedderRemote }: Pick<Models, 'isEmbedderRemote'>,
): EmbeddingPrice | null {
  const { embedding: amount = 0, currency } = prices ?? {}
  return isEmbedderRemote && amount > 0 && currency !== undefined ? { amount, currency } : null
}

/**
 * The tokens that these documents will be embedded as, counted as generously as for the limits of the model: its own
 * tokenizer is unknown.
 */
export async function tokensToEmbed(
  outcomes: AsyncIterable<Outcome>,
  { sentTokens }: Pick<Models, 'sentTokens'>,
): Promise<number> {
  let tokens = 0
  for await (const outcome of outcomes) {
    if (!('draft' in outcome)) continue
    const { text, chunks } = outcome.draft
    for (const chunk of chunks) {
      const windows = chunk.windows.map(window => window.text)
      const { units = noUnits } = chunk
      const ofUnits = textsOfUnits({ text, from: chunk.start, units, windows }, 'now')
      for (const each of [...windows, ...ofUnits]) tokens += sentTokens(each, 'passage')
    }
  }
  return tokens
}

const noUnits = { heads: [], units: [] }

/** What a load says that leaves out the units of its chunks, because there are too many. */
export function unitsLeftOut(chunks: number, unitsUpTo: number): string {
  const [has, most] = [chunks, unitsUpTo].map(count => count.toLocaleString('en'))
  return `without units: the collection has ${has} chunks, and EMBEDDING_UNITS_MAX_CHUNKS is ${most}: raise it, then run askwell reembed`
}

export interface Announced {
  readonly tokens: number
  readonly price: EmbeddingPrice
  /** With --yes. */
  readonly isAgreed: boolean
  readonly signal: AbortSignal
}

/** From this cost on, a person at a terminal is asked. */
const askedFrom = 1

/** Says what embedding will cost. False if a person at the terminal does not want it. */
export async function agreesToCost(host: Host, { tokens, price, isAgreed, signal }: Announced): Promise<boolean> {
  const cost = (tokens * price.amount) / 1e6
  const most = cost < 0.01 ? `less than ${price.currency} 0.01` : `up to ${price.currency} ${cost.toFixed(2)}`
  say(host, `to embed: up to ${tokens.toLocaleString('en')} tokens, which cost ${most}`)
  if (isAgreed || cost < askedFrom || !host.stdin?.isTTY || !host.stderr.isTTY) return true
  return /^y(es)?$/i.test(await answerTo(host, host.stdin, 'continue? [y/N] ', signal))
}

/** Empty when the input ends. Not in the terminal mode of readline, which would keep Ctrl-C from us. */
async function answerTo(
  { stderr }: Host,
  input: NodeJS.ReadableStream,
  question: string,
  signal: AbortSignal,
): Promise<string> {
  const line = createInterface({ input, output: stderr, terminal: false })
  try {
    const ended = once(line, 'close').then(() => '')
    return (await Promise.race([line.question(question, { signal }), ended])).trim()
  } finally {
    line.close()
  }
}
