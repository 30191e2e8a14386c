import type { Test } from 'tap'
import { serveEmbeddings } from './embeddings-server.ts'

export interface GatedModelOptions {
  /** Whether a call waits while the model is held. */
  readonly waits: (texts: readonly string[]) => boolean
  readonly isRejected?: (text: string) => boolean
}

/** An embedding model behind a real server that can be held, fail, and reject texts; and the settings that use it. */
export async function startGatedModel(t: Test, { waits, isRejected = () => false }: GatedModelOptions) {
  const texts: string[] = []
  let isBroken = false
  let gate: Promise<void> | null = null
  let open = () => {}
  const url = await serveEmbeddings(t, async asked => {
    if (isBroken) throw new Error('broken')
    if (asked.some(isRejected)) throw new Error('rejected')
    if (waits(asked)) await gate
    texts.push(...asked)
    return asked.map(text =>
      Float32Array.from({ length: 16 }, (_, i) => ((text.charCodeAt(i % text.length) * 31) % 97) + 1),
    )
  })
  return {
    /** What was embedded. */
    texts,
    hold: () => void (gate = new Promise(resolve => (open = resolve))),
    letGo: () => (open(), (gate = null)),
    fail: (now: boolean) => void (isBroken = now),
    settings: {
      OPENAI_BASE_URL: url,
      OPENAI_API_KEY: 'k',
      CHAT_MODEL: 'none',
      EMBEDDING_MODEL: 'slow',
      EMBEDDING_UNITS: 'off',
      CALIBRATION: 'off',
      INGEST_WORDS_FIRST_MS: '0',
    },
  }
}
