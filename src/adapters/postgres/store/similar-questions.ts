import type { SemanticKey, SimilarQuestion, SimilarQuestions } from '../../../ask/cache/semantic/semantic-cache.ts'
import type { Observation } from '../../../ask/cache/semantic/threshold.ts'
import { startDeadline } from '../../../resilience/deadline.ts'
import type { Database, Fragment, Sql } from '../database.ts'
import { tracedSql } from '../sql-span.ts'
import { vectorText } from '../vector-text.ts'

const resultLimit = 3
/**
 * At most this many questions with the same canonical question are compared, so that ever new phrasings of one do not
 * slow down each lookup.
 */
const maxCompared = 64
/** Observations that count; equal to the number in ask/cache/semantic/evidence.ts. */
const maxObservations = 5000
/** Each takes some 1 to 5 KB. Questions whose answers expire first are removed first. */
const maxQuestions = 100_000

/** Time limits for work that no request waits for. */
const writeMs = 2000
const readMs = 5000
const sweepMs = 10_000
const always = new AbortController().signal

/**
 * Cached questions and the outcomes of shared answers, in Postgres: available in every deployment and shared by all
 * replicas. A read-only database has none, because a standby cannot even read their table, which is unlogged.
 */
export function createSimilarQuestions(database: Pick<Database, 'lease' | 'isReadOnly'>): SimilarQuestions {
  /** Applies our own limit, because an embedded database cannot cancel and a server may not respond. */
  async function within<T>(ms: number, work: (sql: Sql) => Promise<T>): Promise<T> {
    const limit = startDeadline('the semantic cache', ms, always)
    try {
      return await Promise.race([database.lease({ signal: limit.signal, label: 'near' }, work), limit.expired])
    } finally {
      limit.stop()
    }
  }

  async function nearest(
    where: SemanticKey,
    terms: Parameters<SimilarQuestions['nearest']>[1],
  ): Promise<SimilarQuestion[]> {
    if (database.isReadOnly()) return []
    const rows = await database.lease(
      terms,
      async sql => await tracedSql(sql, 'SELECT cached_questions', nearestQuestions(sql, where)),
    )
    return rows.map(similarQuestionOf).filter(({ similarity }) => Number.isFinite(similarity))
  }

  async function keep(question: CachedQuestion): Promise<void> {
    if (database.isReadOnly()) return
    await within(writeMs, async sql => await insertQuestion(sql, question))
  }

  async function observe(model: string, { similarity, isRight }: Observation): Promise<void> {
    if (database.isReadOnly()) return
    await within(
      writeMs,
      async sql =>
        void (await tracedSql(
          sql,
          'INSERT near_observations',
          sql`
      insert into near_observations (model, similarity, is_right) values (${model}, ${similarity}, ${isRight})`,
        )),
    )
  }

  async function observations(model: string): Promise<Observation[]> {
    const rows = await within(
      readMs,
      sql => sql`
      select similarity, is_right from near_observations where model = ${model} order by id desc limit ${maxObservations}`,
    )
    return rows.map(row => ({ similarity: Number(row['similarity']), isRight: row['is_right'] === true })).reverse()
  }

  async function sweep(): Promise<void> {
    if (database.isReadOnly()) return
    await within(sweepMs, async sql => {
      await sql`delete from cached_questions where expires_at <= now()`
      await sql`
        delete from cached_questions where expires_at <=
          (select expires_at from cached_questions order by expires_at desc offset ${maxQuestions} limit 1)`
      await sql`
        delete from near_observations o using (
          select model, min(id) as oldest
          from (select model, id, row_number() over (partition by model order by id desc) as place from near_observations) ranked
          where place <= ${maxObservations}
          group by model) kept
        where o.model = kept.model and o.id < kept.oldest`
    })
  }

  return { nearest, keep, observe, observations, sweep }
}

type CachedQuestion = Parameters<SimilarQuestions['keep']>[0]

/** Inserts nothing if the collection has been deleted since. */
async function insertQuestion(
  sql: Sql,
  { scope, canonical, key, collectionId, model, question, vector, seconds }: CachedQuestion,
): Promise<void> {
  await tracedSql(
    sql,
    'INSERT cached_questions',
    sql`
      insert into cached_questions (partition, gist, key, collection_id, model, question, embedding, expires_at)
      select ${scope}::bytea, ${canonical}::bytea, ${key}::text, id, ${model}::text, ${storable(question)}::text, ${vectorText(vector)}::halfvec,
        now() + make_interval(secs => ${seconds})
      from collections where id = ${collectionId}
      on conflict (partition, gist, key) do update set model = excluded.model, question = excluded.question,
        embedding = excluded.embedding, expires_at = excluded.expires_at`,
  )
}

/**
 * Searches by the first two columns of the primary key. The model and the vector length are compared too: a model name
 * may have been used with another length, and vectors of different lengths cannot be compared.
 */
export function nearestQuestions(sql: Sql, { scope, canonical, model, vector }: SemanticKey): Fragment {
  return sql`
    select key, question, embedding <=> ${vectorText(vector)}::halfvec as distance
    from (
      select key, question, embedding from cached_questions
      where partition = ${scope} and gist = ${canonical} and model = ${model} and vector_dims(embedding) = ${vector.length} and expires_at > now()
      limit ${maxCompared}) q
    order by distance limit ${resultLimit}`
}

function similarQuestionOf(row: Record<string, unknown>): SimilarQuestion {
  // Rounded because of accumulated rounding errors, which make equal vectors slightly less or more than equal.
  const similarity = Math.round((1 - Number(row['distance'])) * 1e6) / 1e6
  return {
    key: String(row['key']),
    question: String(row['question']),
    similarity: Math.max(-1, Math.min(1, similarity)),
  }
}

/** Postgres can store every character except NUL. */
function storable(text: string): string {
  return text.replaceAll('\0', ' ')
}
