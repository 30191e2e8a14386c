import type { Command } from 'commander'
import { openReembedding, type PendingChunk, type Reembedding } from '../adapters/postgres/store/reembedding.ts'
import type { Embedder } from '../ask/retrieval/embedder.ts'
import { readConfig } from '../config/config.ts'
import { namedModel } from '../ingest/named-model.ts'
import { windowsOf, windowText } from '../ingest/windows.ts'
import { migrate } from '../adapters/postgres/migrate.ts'
import { collectionName } from './arguments.ts'
import type { Host } from './host.ts'
import { interruptible } from './interrupt.ts'
import { withDatabase, withModels } from './opened.ts'
import { print, say } from './output.ts'

export function addReembed(program: Command, host: Host): void {
  program
    .command('reembed')
    .description('re-embed a collection with EMBEDDING_MODEL, then switch to the new vectors')
    .option('-c, --collection <name>', 'collection', collectionName, 'default')
    .action(async ({ collection }: { collection: string }, command: Command) => {
      const config = readConfig(host.env)
      const { signal, release } = interruptible(host, 'stopping after this batch; run the same command again to finish')
      await withDatabase(config.database, async database => {
        await database.lease({ signal, label: 'migrate' }, sql => migrate(sql))
        await withModels(config.models, async ({ embedder }) => {
          const { model, languages } = embedder
          const job = await openReembedding(database, collection, { ...namedModel(embedder), languages }, signal)
          const chunks = await reembed(host, job, embedder, signal)
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

async function embedBatch(
  job: Reembedding,
  batch: readonly PendingChunk[],
  embedder: Embedder,
  signal: AbortSignal,
): Promise<void> {
  const windows = batch.flatMap(chunk =>
    windowsOf(chunk.documentText, chunk, chunk.language, embedder).map(window => ({
      chunkId: chunk.id,
      ...window,
      text: windowText(chunk.documentText, chunk, window, embedder),
    })),
  )
  if (windows.length === 0) return
  const vectors = await embedder.embed(
    windows.map(window => window.text),
    signal,
    'passage',
  )
  await job.store(windows.flatMap((window, i) => (vectors[i] ? [{ ...window, embedding: vectors[i] }] : [])))
}
