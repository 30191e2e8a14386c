import { PGVectorStore } from '@langchain/community/vectorstores/pgvector'
import { StringOutputParser } from '@langchain/core/output_parsers'
import { ChatPromptTemplate } from '@langchain/core/prompts'
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai'
import pg from 'pg'
import { apiKey, chatModel, embeddingModel, passages, runPeer, type Peer, type PeerOptions } from './peer.ts'

/**
 * LangChain.js as its documentation has it: "PGVectorStore integration" (Docs by LangChain, JavaScript integrations)
 * for the store, a pool handed to it ("Reusing connections") and `createHnswIndex` ("Create a HNSW Index");
 * "Retrieval", two-step RAG, for prompt, model and parser in one chain. The dimensions are given to `initialize`: without them,
 * says its reference, the index might not be used.
 */

const prompt = ChatPromptTemplate.fromMessages([
  [
    'system',
    'You are an assistant for question-answering tasks. Use the following pieces of retrieved context to answer the question. ' +
      "If you don't know the answer, just say that you don't know. Use three sentences maximum and keep the answer concise.\n\n{context}",
  ],
  ['human', '{question}'],
])

async function open({ database, modelUrl, dimensions, poolSize }: PeerOptions): Promise<Peer> {
  const configuration = { baseURL: modelUrl }
  const embeddings = new OpenAIEmbeddings({ apiKey, model: embeddingModel, dimensions, configuration })
  const pool = new pg.Pool({ connectionString: database, max: poolSize })
  const store = await PGVectorStore.initialize(embeddings, {
    pool,
    tableName: 'langchain_documents',
    distanceStrategy: 'cosine',
    dimensions,
  })
  const chain = prompt
    .pipe(new ChatOpenAI({ apiKey, model: chatModel, temperature: 0, configuration }))
    .pipe(new StringOutputParser())
  return {
    async load(documents) {
      await store.addDocuments(
        documents.map(({ text, source, title }) => ({ pageContent: text, metadata: { source, title } })),
      )
      await store.createHnswIndex({ dimensions })
    },
    async ask(question) {
      const found = await store.similaritySearch(question, passages)
      const context = found.map(({ pageContent }) => pageContent).join('\n\n')
      const answer = await chain.invoke({ question, context })
      return { answer, sources: found.map(({ metadata }) => String(metadata['source'])) }
    },
    close: () => store.end(),
  }
}

await runPeer(open)
