import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Owner } from './server-process.ts'

/** Real models for `npm run test:models`: deploy/install-models.sh installs them, test/models/serve.py serves them. */

const checkout = fileURLToPath(new URL('../..', import.meta.url))

/** The folder of the models. */
export const modelsFolder = process.env['ASKWELL_MODELS'] ?? join(checkout, '.models')

/** Reason for tap's `skip` if the models are not installed, otherwise false. In CI it throws instead. */
export function realModelsSkipReason(): string | false {
  if (existsSync(join(modelsFolder, 'installed'))) return false
  const reason = `left out: there are no models in ${modelsFolder}; run deploy/install-models.sh, or set ASKWELL_MODELS`
  if (process.env['CI'] === 'true') throw new Error(reason)
  return reason
}

export interface RealModels {
  readonly url: string
  /** Settings of Askwell for multilingual-e5-small under any name. */
  embedding(name: string): Record<string, string>
  /** Settings of Askwell for the English cross-encoder, over HTTP. */
  readonly reranking: Record<string, string>
}

/** Starts the server of the models and stops it when the test ends. */
export async function startRealModels(t: Owner): Promise<RealModels> {
  const python = join(modelsFolder, 'venv/bin/python')
  const child = spawn(python, [join(checkout, 'test/models/serve.py'), modelsFolder], {
    // A test of several processes needs the other core.
    env: { ...process.env, OMP_NUM_THREADS: '1', OMP_WAIT_POLICY: 'passive' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(async () => {
    const ended = once(child, 'close')
    child.kill()
    await ended
  })
  const url = await Promise.race([
    firstLine(child.stdout),
    once(child, 'close').then(([code]) => {
      throw new Error(`the server of the models ended with ${code}`)
    }),
  ])
  return {
    url,
    embedding: name => ({
      OPENAI_BASE_URL: `${url}/v1`,
      OPENAI_API_KEY: 'none',
      CHAT_MODEL: 'none',
      EMBEDDING_MODEL: name,
      EMBEDDING_QUERY_PREFIX: 'query:',
      EMBEDDING_PASSAGE_PREFIX: 'passage:',
      EMBEDDING_MAX_TOKENS: '512',
      ...patience,
    }),
    reranking: {
      RERANK_URL: `${url}/v1/rerank`,
      RERANK_MODEL: 'ms-marco-minilm',
      RERANK_TIMEOUT_MS: '60000',
      ...patience,
    },
  }
}

/** A slow machine must not turn into answers without a model. */
const patience = { REQUEST_TIMEOUT_MS: '120000' }

async function firstLine(stream: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: stream })) return line
  throw new Error('the server of the models said nothing')
}
