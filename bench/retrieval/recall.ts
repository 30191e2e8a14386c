import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import postgres from 'postgres'
import type { Asked } from './asked.ts'
import { armOf } from './statements.ts'

export interface Recall {
  /** Shares of the truly nearest 10 and 50 that the arm finds among as many. */
  readonly at10: number
  readonly at50: number
  readonly questions: number
}

export async function recallOf(
  url: string,
  questions: readonly Asked[],
  folder: string,
  size: string,
): Promise<Recall> {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  const exact = await exactlyNearest(sql, questions, join(folder, `exact-${size}.json`))
  let [at10, at50] = [0, 0]
  for (const asked of questions) {
    const found = (await sql`${armOf(sql, asked)}`).map(row => Number(row['id']))
    at10 += shareOf(exact[asked.number]!, found, 10)
    at50 += shareOf(exact[asked.number]!, found, 50)
  }
  await sql.end()
  return { at10: at10 / questions.length, at50: at50 / questions.length, questions: questions.length }
}

function shareOf(exact: readonly number[], found: readonly number[], count: number): number {
  const wanted = new Set(exact.slice(0, count))
  return found.slice(0, count).filter(id => wanted.has(id)).length / wanted.size
}

/** By number of the question. A scan of everything takes a while; the collection does not change, so it is kept. */
async function exactlyNearest(
  sql: postgres.Sql,
  questions: readonly Asked[],
  file: string,
): Promise<Record<number, number[]>> {
  const known: Record<number, number[]> = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as Record<number, number[]>)
    : {}
  for (const {
    number,
    vector,
    wanted: { collection },
  } of questions)
    known[number] ??= await scan(sql, vector, collection)
  writeFileSync(file, JSON.stringify(known))
  return known
}

async function scan(
  sql: postgres.Sql,
  vector: Float32Array,
  { id, modelId }: { id: number; modelId: number | null },
): Promise<number[]> {
  const type = sql.unsafe(`halfvec(${vector.length})`)
  return await sql.begin(async tx => {
    await tx`set local enable_indexscan = off`
    await tx`set local enable_bitmapscan = off`
    const rows = await tx`
      select chunk_id from chunk_vectors where collection_id = ${id} and model_id = ${modelId}
      order by embedding::${type} <=> ${JSON.stringify(Array.from(vector))}::${type}, chunk_id limit 50`
    return rows.map(row => Number(row['chunk_id']))
  })
}
