import type { Command } from 'commander'
import { openReembedding, type PendingChunk, type Reembedding } from '../adapters/postgres/store/reembedding.ts'
import type { Models } from '../adapters/models/models.ts'
import type { Embedder } from '../ask/retrieval/embedder.ts'
import { readConfig } from '../config/config.ts'
import { namedModel } from '../ingest/named-model.ts'
import { windowsOf, windowText } from '../ingest/windows.ts'
import { migrate } from '../adapters/postgres/migrate.ts'
import { collectionName } from './arguments.ts'
import { calibrateAfter } from './calibrate-after.ts'
import { agreesToCost, embeddingPrice } from './embedding-cost.ts'
import { exitCodes } from './exit-codes.ts'
import type { Host } from './host.ts'
import { interruptible } from './interrupt.ts'
import { withDatabase, withModels } from './opened.ts'
import { print, say } from './output.ts'

export function addReembed(program: Command, host: Host): void {
  program
    .command('reembed')
    .description('re-embed a collection with EMBEDDING_MODEL, then switch to the new vectors')
    .option('-c, --collection <name>', 'collection', collectionName, 'default')
    .option('-y, --yes', 'do not ask before embedding that costs something (MODEL_PRICES with embedding)')
    .action(async ({ collection, yes }: { collection: string; yes?: boolean }, command: Command) => {
      const config = readConfig(host.env)
      const { signal, release } = interruptible(host, 'stopping after this batch; run the same command again to finish')
      await withDatabase(config.database, async database => {
        await database.lease({ signal, label: 'migrate' }, sql => migrate(sql))
        await withModels(config.models, async models => {
          const { embedder } = models
          const { model, languages } = embedder
          const job = await openReembedding(database, collection, { ...namedModel(embedder), languages }, signal)
          const price = embeddingPrice(config.models, models)
          if (price) {
            const tokens = await tokensPending(job, models, signal)
            if (!(await agreesToCost(host, { tokens, price, isAgreed: yes === true, signal }))) {
              say(host, 'nothing was re-embedded')
              host.exitCode = exitCodes.failed
              return
            }
          }
          const chunks = await reembed(host, job, embedder, signal)
          await calibrateAfter(collection, { host, config, database, embedder, signal })
          print(
            host,
            command,
            { collection, model, chunks },
            `${collection}: ${chunks} chunks re-embedded with ${model}`,
          )
        })
      }).finally(release)
    })
}

const batchChunks = 64

async function reembed(host: Host, job: Reembedding, embedder: Embedder, signal: AbortSignal): Promise<number> {
  const total = await job.remaining()
  let done = 0
  let after = '0'
  do {
    for (;;) {
      const batch = await job.next(after, batchChunks)
      if (batch.length === 0) break
      await embedBatch(job, batch, embedder, signal)
      after = batch.at(-1)?.id ?? after
      done += batch.length
      say(host, `${done} of ${Math.max(total, done)} chunks`)
    }
    await job.index(() => say(host, 'building the index …'))
  } while (!(await job.finish(after)))
  await job.dropOld()
  return done
}

async function tokensPending(job: Reembedding, { embedder, sentTokens }: Models, signal: AbortSignal): Promise<number> {
  let [tokens, after] = [0, '0']
  for (;;) {
    signal.throwIfAborted()
    const batch = await job.next(after, batchChunks)
    if (batch.length === 0) return tokens
    for (const { text } of windowsIn(batch, embedder)) tokens += sentTokens(text, 'passage')
    after = batch.at(-1)?.id ?? after
  }
}

function windowsIn(batch: readonly PendingChunk[], embedder: Embedder) {
  return batch.flatMap(chunk =>
    windowsOf(chunk.documentText, chunk, chunk.language, embedder).map(window => ({
      chunkId: chunk.id,
      ...window,
      text: windowText(chunk.documentText, chunk, window, embedder),
    })),
  )
}

async function embedBatch(
  job: Reembedding,
  batch: readonly PendingChunk[],
  embedder: Embedder,
  signal: AbortSignal,
): Promise<void> {
  const windows = windowsIn(batch, embedder)
  if (windows.length === 0) return
  const vectors = await embedder.embed(
    windows.map(window => window.text),
    signal,
    'passage',
  )
  await job.store(windows.flatMap((window, i) => (vectors[i] ? [{ ...window, embedding: vectors[i] }] : [])))
}
