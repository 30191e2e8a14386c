import OpenAI from 'openai'
import pg from 'pg'
import { apiKey, chatModel, embeddingModel, passages, runPeer, type Peer, type PeerOptions } from './peer.ts'

/**
 * The plain recipe, without a framework: a connection for each request, three selects one after the other (vectors,
 * words, the documents found), no cache. The indexes are those of pgvector's own page ("Getting Started", "HNSW") and of
 * Postgres' chapter "Full Text Search", the two rankings are merged by reciprocal ranks as pgvector's page has it ("Hybrid Search").
 */

const schema = (dimensions: number) => `
  create extension if not exists vector;
  create table documents (
    id bigint generated always as identity primary key,
    source text not null,
    title text not null,
    body text not null,
    words tsvector generated always as (to_tsvector('english', title || ' ' || body)) stored,
    embedding vector(${dimensions}) not null
  )`
const byVector = 'select id from documents order by embedding <=> $1 limit 20'
const byWords = `select id from documents, plainto_tsquery('english', $1) query where words @@ query order by ts_rank(words, query) desc limit 20`
const wanted = 'select id, source, title, body from documents where id = any($1)'
const batchSize = 500

interface Row {
  readonly id: string
  readonly source: string
  readonly body: string
}

async function open({ database, modelUrl, dimensions }: PeerOptions): Promise<Peer> {
  const openai = new OpenAI({ apiKey, baseURL: modelUrl })

  async function vectorsOf(input: string[]): Promise<string[]> {
    const { data } = await openai.embeddings.create({ model: embeddingModel, input, dimensions })
    return data.map(({ embedding }) => JSON.stringify(embedding))
  }

  async function search(client: pg.Client, question: string): Promise<Row[]> {
    const [vector] = await vectorsOf([question])
    const near = await client.query<Row>(byVector, [vector])
    const worded = await client.query<Row>(byWords, [question])
    const ids = merged([near.rows, worded.rows]).slice(0, passages)
    const { rows } = await client.query<Row>(wanted, [ids])
    return ids.map(id => rows.find(row => row.id === id)!)
  }

  return {
    async load(documents) {
      await connected(database, async client => {
        await client.query(schema(dimensions))
        for (let at = 0; at < documents.length; at += batchSize) {
          const batch = documents.slice(at, at + batchSize)
          const vectors = await vectorsOf(batch.map(({ text }) => text))
          for (const [number, { source, title, text }] of batch.entries()) {
            await client.query('insert into documents (source, title, body, embedding) values ($1, $2, $3, $4)', [
              source,
              title,
              text,
              vectors[number],
            ])
          }
        }
        await client.query('create index on documents using hnsw (embedding vector_cosine_ops)')
        await client.query('create index on documents using gin (words)')
      })
    },
    async ask(question) {
      const found = await connected(database, client => search(client, question))
      const context = found.map(({ body }) => body).join('\n\n')
      const completion = await openai.chat.completions.create({
        model: chatModel,
        messages: [
          {
            role: 'system',
            content: 'Answer the question from the context. If it is not there, say that you do not know.',
          },
          { role: 'user', content: `Context:\n${context}\n\nQuestion: ${question}` },
        ],
      })
      return { answer: completion.choices[0]?.message.content ?? '', sources: found.map(({ source }) => source) }
    },
    close: async () => undefined,
  }
}

async function connected<T>(database: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: database })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** Reciprocal rank fusion with the usual 60. */
function merged(rankings: readonly (readonly Row[])[]): string[] {
  const scores = new Map<string, number>()
  for (const ranking of rankings)
    for (const [rank, { id }] of ranking.entries()) scores.set(id, (scores.get(id) ?? 0) + 1 / (60 + rank + 1))
  return [...scores].sort(([, a], [, b]) => b - a).map(([id]) => id)
}

await runPeer(open)
