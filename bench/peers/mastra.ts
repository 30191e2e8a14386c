import { Agent } from '@mastra/core/agent'
import { ModelRouterEmbeddingModel } from '@mastra/core/llm'
import { PgVector } from '@mastra/pg'
import { MDocument } from '@mastra/rag'
import { embed, embedMany } from 'ai'
import { apiKey, chatModel, embeddingModel, passages, runPeer, type Peer, type PeerOptions } from './peer.ts'

/**
 * Mastra as its documentation has it: "RAG (Retrieval-Augmented Generation) in Mastra" and "Chunking and embedding
 * documents" for the corpus, "Storing embeddings in a vector database" for PgVector with the index that `createIndex`
 * makes by default, "Retrieval in RAG systems" (basic retrieval) and "Agents" for the answer. Its other documented way,
 * an agent that calls the vector query tool, takes a second call of the model for each question.
 */

const indexName = 'mastra_documents'
/** What one request to the embedding API takes here. */
const batchSize = 500

async function open({ database, modelUrl, dimensions, poolSize }: PeerOptions): Promise<Peer> {
  const model = new ModelRouterEmbeddingModel({ providerId: 'local', modelId: embeddingModel, url: modelUrl, apiKey })
  const providerOptions = { local: { dimensions } }
  const store = new PgVector({ id: 'pg-vector', connectionString: database, max: poolSize })
  const agent = new Agent({
    id: 'rag-agent',
    name: 'RAG Agent',
    instructions:
      'You are a helpful assistant that answers questions based on the provided context. Keep your answers concise and relevant.',
    model: { providerId: 'local', modelId: chatModel, url: modelUrl, apiKey },
  })
  return {
    async load(documents) {
      const chunks = (await Promise.all(documents.map(chunksOf))).flat()
      await store.createIndex({ indexName, dimension: dimensions })
      for (let at = 0; at < chunks.length; at += batchSize) {
        const metadata = chunks.slice(at, at + batchSize)
        const { embeddings } = await embedMany({ model, values: metadata.map(({ text }) => text), providerOptions })
        await store.upsert({ indexName, vectors: embeddings, metadata })
      }
    },
    async ask(question) {
      const { embedding } = await embed({ model, value: question, providerOptions })
      const found = await store.query({ indexName, queryVector: embedding, topK: passages })
      const context = found.map(({ metadata }) => String(metadata?.['text'])).join('\n\n')
      const { text } = await agent.generate(`Context:\n${context}\n\nQuestion: ${question}`)
      return { answer: text, sources: found.map(({ metadata }) => String(metadata?.['source'])) }
    },
    close: () => store.disconnect(),
  }
}

async function chunksOf({
  text,
  source,
  title,
}: {
  readonly text: string
  readonly source: string
  readonly title: string
}) {
  const chunks = await MDocument.fromText(text).chunk({ strategy: 'recursive', maxSize: 512, overlap: 50 })
  return chunks.map(chunk => ({ text: chunk.text, source, title }))
}

await runPeer(open)
