import type { SemanticKey, SimilarQuestion, SimilarQuestions } from '../../../ask/cache/semantic/semantic-cache.ts'
import type { Observation } from '../../../ask/cache/semantic/threshold.ts'
import { startDeadline } from '../../../resilience/deadline.ts'
import type { Database, Fragment, Sql } from '../database.ts'
import { tracedSql } from '../sql-span.ts'
import { vectorText } from '../vector-text.ts'

const wanted = 3
/** Of one gist, so many are compared: a question that is put in ever new frames must not make each look longer. */
const compared = 64
/** Observations that count; the same number as in ask/cache/semantic/evidence.ts. */
const newestObservations = 5000
/** Some 1 to 5 KB each. Whose answers leave the cache first go first. */
const mostQuestions = 100_000

/** No request waits for these. */
const writeMs = 2000
const readMs = 5000
const sweepMs = 10_000
const always = new AbortController().signal

/**
 * Cached questions and what near answers were worth, in Postgres: there in every deployment, and the same for all replicas.
 * A database that takes no writes has none: a standby cannot even read their table, which is unlogged.
 */
export function createSimilarQuestions(database: Pick<Database, 'lease' | 'isReadOnly'>): SimilarQuestions {
  /** Our own limit, since an embedded database cannot cancel and a server may be deaf. */
  async function within<T>(ms: number, work: (sql: Sql) => Promise<T>): Promise<T> {
    const limit = startDeadline('near questions', ms, always)
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
    return rows.map(nearQuestionOf).filter(({ similarity }) => Number.isFinite(similarity))
  }

  /** Not where the collection is gone meanwhile. */
  async function keep({
    scope,
    canonical,
    key,
    collectionId,
    model,
    question,
    vector,
    seconds,
  }: Parameters<SimilarQuestions['keep']>[0]): Promise<void> {
    if (database.isReadOnly()) return
    await within(
      writeMs,
      async sql =>
        void (await tracedSql(
          sql,
          'INSERT cached_questions',
          sql`
      insert into cached_questions (partition, gist, key, collection_id, model, question, embedding, expires_at)
      select ${scope}::bytea, ${canonical}::bytea, ${key}::text, id, ${model}::text, ${storable(question)}::text, ${vectorText(vector)}::halfvec,
        now() + make_interval(secs => ${seconds})
      from collections where id = ${collectionId}
      on conflict (partition, gist, key) do update set model = excluded.model, question = excluded.question,
        embedding = excluded.embedding, expires_at = excluded.expires_at`,
        )),
    )
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
      select similarity, is_right from near_observations where model = ${model} order by id desc limit ${newestObservations}`,
    )
    return rows.map(row => ({ similarity: Number(row['similarity']), isRight: row['is_right'] === true })).reverse()
  }

  async function sweep(): Promise<void> {
    if (database.isReadOnly()) return
    await within(sweepMs, async sql => {
      await sql`delete from cached_questions where expires_at <= now()`
      await sql`
        delete from cached_questions where expires_at <=
          (select expires_at from cached_questions order by expires_at desc offset ${mostQuestions} limit 1)`
      await sql`
        delete from near_observations o using (
          select model, min(id) as oldest
          from (select model, id, row_number() over (partition by model order by id desc) as place from near_observations) ranked
          where place <= ${newestObservations}
          group by model) kept
        where o.model = kept.model and o.id < kept.oldest`
    })
  }

  return { nearest, keep, observe, observations, sweep }
}

/**
 * By the first two columns of the primary key. The model is compared, and the length as well: under one name a model may
 * have been tried with another, and vectors of two lengths cannot be compared at all.
 */
export function nearestQuestions(sql: Sql, { scope, canonical, model, vector }: SemanticKey): Fragment {
  return sql`
    select key, question, embedding <=> ${vectorText(vector)}::halfvec as distance
    from (
      select key, question, embedding from cached_questions
      where partition = ${scope} and gist = ${canonical} and model = ${model} and vector_dims(embedding) = ${vector.length} and expires_at > now()
      limit ${compared}) q
    order by distance limit ${wanted}`
}

function nearQuestionOf(row: Record<string, unknown>): SimilarQuestion {
  // The sum of so many roundings: equal vectors would be a little less, or more, than equal.
  const similarity = Math.round((1 - Number(row['distance'])) * 1e6) / 1e6
  return {
    key: String(row['key']),
    question: String(row['question']),
    similarity: Math.max(-1, Math.min(1, similarity)),
  }
}

/** Postgres keeps every character but this one. */
function storable(text: string): string {
  return text.replaceAll('\0', ' ')
}
