import { OpenAI, OpenAIEmbedding } from '@llamaindex/openai'
import { PGVectorStore } from '@llamaindex/postgres'
import { Document, Settings, storageContextFromDefaults, VectorStoreIndex } from 'llamaindex'
import postgres from 'postgres'
import { apiKey, chatModel, embeddingModel, passages, runPeer, type Peer, type PeerOptions } from './peer.ts'

/**
 * LlamaIndex.TS as its documentation has it: the project's examples `storage/pg` (load-docs.ts, query.ts) for the store,
 * "QueryEngine" (Framework, RAG) for the answer, "OpenAI" (Framework, Models) for a base URL. By default the store has no
 * vector index, and looks before each search whether its table is there (`performSetup`). With `clientConfig`, the
 * commonest way, it has one connection; here it has a pool, of the `postgres` package, which the store takes too. (A pool
 * of `pg` it takes as Vercel's: as soon as an idle connection is closed, each search keeps one for ever.)
 */

async function open({ database, modelUrl, dimensions, poolSize }: PeerOptions): Promise<Peer> {
  Settings.llm = new OpenAI({ apiKey, model: chatModel, temperature: 0, baseURL: modelUrl })
  Settings.embedModel = new OpenAIEmbedding({ apiKey, model: embeddingModel, dimensions, baseURL: modelUrl })
  // Else it prints that the table is already there.
  const client = postgres(database, { max: poolSize, onnotice: () => undefined })
  await client`create extension if not exists vector`
  const vectorStore = new PGVectorStore({ client, dimensions })
  const engine = (await VectorStoreIndex.fromVectorStore(vectorStore)).asQueryEngine({ similarityTopK: passages })
  return {
    async load(documents) {
      const nodes = documents.map(({ text, source, title }) => new Document({ text, metadata: { source, title } }))
      await VectorStoreIndex.fromDocuments(nodes, { storageContext: await storageContextFromDefaults({ vectorStore }) })
    },
    async ask(question) {
      const { response, sourceNodes = [] } = await engine.query({ query: question })
      return { answer: response, sources: sourceNodes.map(({ node }) => String(node.metadata['source'])) }
    },
    close: () => client.end(),
  }
}

await runPeer(open)
