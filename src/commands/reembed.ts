import type { Command } from 'commander'
import { openDatabase } from '../adapters/database.ts'
import { openModels } from '../adapters/models.ts'
import { openReembedding, type PendingChunk, type Reembedding } from '../adapters/reembedding.ts'
import type { Embedder } from '../ask/embedder.ts'
import { readConfig } from '../config.ts'
import { windowsOf, windowText } from '../ingest/windows.ts'
import { interruptSignal } from './interrupt.ts'
import { print } from './output.ts'

export function addReembed(program: Command): void {
  program
    .command('reembed')
    .description('make the vectors of a collection anew with EMBEDDING_MODEL, then switch to them')
    .option('-c, --collection <name>', 'collection', 'default')
    .action(async ({ collection }: { collection: string }, command: Command) => {
      const config = readConfig()
      const signal = interruptSignal('stopping after this batch; run the same command again to finish')
      const database = await openDatabase(config.database)
      try {
        const models = await openModels(config.models)
        try {
          const { model: name, dimensions, languages } = models.embedder
          const job = await openReembedding(database, collection, { name, dimensions, languages }, signal)
          const chunks = await reembed(job, models.embedder, signal)
          print(command, { collection, model: name, chunks }, `${collection}: ${chunks} chunks embedded anew by ${name}`)
        } finally {
          await models.close()
        }
      } finally {
        await database.close()
      }
    })
}

const batchChunks = 64

async function reembed(job: Reembedding, embedder: Embedder, signal: AbortSignal): Promise<number> {
  const total = await job.remaining()
  let done = 0
  do {
    let after = '0'
    for (;;) {
      const batch = await job.next(after, batchChunks)
      if (batch.length === 0) break
      await embedBatch(job, batch, embedder, signal)
      after = batch.at(-1)?.id ?? after
      done += batch.length
      process.stderr.write(`${done} of ${Math.max(total, done)} chunks\n`)
    }
  } while (!(await job.finish()))
  return done
}

async function embedBatch(job: Reembedding, batch: readonly PendingChunk[], embedder: Embedder, signal: AbortSignal): Promise<void> {
  const windows = batch.flatMap(chunk =>
    windowsOf(chunk.documentText, chunk, chunk.language, embedder).map(window => ({
      chunkId: chunk.id,
      ...window,
      text: windowText(chunk.documentText, chunk, window, embedder),
    })),
  )
  const vectors = await embedder.embed(windows.map(window => window.text), signal)
  await job.store(windows.flatMap((window, i) => (vectors[i] ? [{ ...window, embedding: vectors[i] }] : [])))
}
