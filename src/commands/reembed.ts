import type { Command } from 'commander'
import { createCollectionStore } from '../adapters/postgres/store/collections.ts'
import { openReembedding, type Reembedding } from '../adapters/postgres/store/reembedding.ts'
import type { Models } from '../adapters/models/models.ts'
import type { Embedder } from '../ask/retrieval/embedder.ts'
import { readConfig } from '../config/config.ts'
import { embedCounted, textsOfUnits } from '../ingest/embed-drafts.ts'
import { unitsIn, windowsIn } from '../ingest/fill-vectors.ts'
import { namedModel } from '../ingest/named-model.ts'
import type { PendingChunk } from '../ingest/terms.ts'
import { migrate } from '../adapters/postgres/migrate.ts'
import { fillMissing } from './missing-vectors.ts'
import { collectionName } from './arguments.ts'
import { calibrateAfter } from './calibrate-after.ts'
import { agreesToCost, embeddingPrice } from './embedding-cost.ts'
import { createEmbeddingRate, rateWords, type EmbeddingRate } from './embedding-rate.ts'
import { exitCodes } from './exit-codes.ts'
import type { Host } from './host.ts'
import { interruptible } from './interrupt.ts'
import { withDatabase, withModels } from './opened.ts'
import { adoptBefore, checkModelBefore } from './model-check.ts'
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
          const found = await createCollectionStore(database).collection(collection)
          await checkModelBefore(found, { host, database, models, signal })
          await adoptBefore(found, { host, database, models, signal })
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
          const { filled: units } = await fillMissing(job.units, { host, embedder, signal })
          await calibrateAfter(collection, { host, config, database, embedder, signal })
          print(
            host,
            command,
            { collection, model, chunks, unit_chunks: units },
            `${collection}: ${summary(chunks, units)} with ${model}`,
          )
        })
      }).finally(release)
    })
}

function summary(chunks: number, units: number): string {
  const ofUnits = `the units of ${counted(units)} embedded`
  if (chunks === 0 && units > 0) return ofUnits
  return `${chunks} chunks re-embedded${units > 0 ? `, and ${ofUnits}` : ''}`
}

function counted(chunks: number): string {
  return chunks === 1 ? '1 chunk' : `${chunks} chunks`
}

const batchChunks = 64

/** Makes the vectors that are missing and switches to them, if the collection is not searched by them yet. */
async function reembed(host: Host, job: Reembedding, embedder: Embedder, signal: AbortSignal): Promise<number> {
  const total = await job.remaining()
  const isCurrent = await job.isCurrent()
  const rate = createEmbeddingRate(host)
  let done = 0
  let after = '0'
  do {
    for (;;) {
      const batch = await job.next(after, batchChunks)
      if (batch.length === 0) break
      await embedBatch(job, batch, { embedder, rate, signal })
      after = batch.at(-1)?.id ?? after
      done += batch.length
      say(host, `${done} of ${Math.max(total, done)} chunks${rateWords(rate, textsLeft(rate, done, total))}`)
    }
    await job.index(() => say(host, 'building the index …'))
    if (done === 0 && isCurrent) return 0
  } while (!(await job.finish(after)))
  await job.dropOld()
  return done
}

/** An estimate by the texts of the chunks that are done. */
function textsLeft(rate: EmbeddingRate, done: number, total: number): number {
  return (rate.total() / done) * Math.max(0, total - done)
}

function isWithUnits({ unitsUpTo = 0 }: Embedder, chunks: number): boolean {
  return chunks <= unitsUpTo
}

async function tokensPending(job: Reembedding, { embedder, sentTokens }: Models, signal: AbortSignal): Promise<number> {
  const { chunks } = await job.units.counts('0')
  const hasUnits = isWithUnits(embedder, chunks)
  const count = (texts: readonly string[]) => texts.reduce((sum, text) => sum + sentTokens(text, 'passage'), 0)
  const windowTexts = (batch: readonly PendingChunk[]) =>
    batch.flatMap(each => windowsIn(each, embedder)).map(({ text }) => text)
  const unitTexts = (batch: readonly PendingChunk[]) =>
    hasUnits ? batch.flatMap(each => textsOfUnits(unitsIn(each, embedder), 'before')) : []
  const ofWindows = await sum(job.next, batch => count([...windowTexts(batch), ...unitTexts(batch)]))
  return ofWindows + (hasUnits ? await sum(job.units.next, batch => count(unitTexts(batch))) : 0)

  async function sum(next: Reembedding['next'], tokensOf: (batch: readonly PendingChunk[]) => number): Promise<number> {
    let [tokens, after] = [0, '0']
    for (;;) {
      signal.throwIfAborted()
      const batch = await next(after, batchChunks)
      if (batch.length === 0) return tokens
      tokens += tokensOf(batch)
      after = batch.at(-1)?.id ?? after
    }
  }
}

interface Embedding {
  readonly embedder: Embedder
  readonly rate: EmbeddingRate
  readonly signal: AbortSignal
}

async function embedBatch(
  job: Reembedding,
  batch: readonly PendingChunk[],
  { embedder, rate, signal }: Embedding,
): Promise<void> {
  const windows = batch.flatMap(each => windowsIn(each, embedder))
  if (windows.length === 0) return
  const texts = windows.map(window => window.text)
  const vectors = await embedCounted(embedder, texts, signal, rate.loading)
  await job.store(windows.flatMap((window, i) => (vectors[i] ? [{ ...window, embedding: vectors[i] }] : [])))
}
