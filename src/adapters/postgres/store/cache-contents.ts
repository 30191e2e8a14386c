import type { Database } from '../database.ts'

/** The cache data stored in the database. */
export interface CacheContents {
  readonly collections: readonly {
    readonly name: string
    readonly epoch: number
    /** Null to use the service's setting. */
    readonly settings: {
      readonly seconds: number | null
      readonly fastSeconds: number | null
      readonly near: boolean | null
    }
    /** Cached questions whose answer a similar question may get. */
    readonly nearQuestions: number
  }[]
  /** How often the answers of two similar questions were compared, and how often they were equal. */
  readonly observations: readonly { readonly model: string; readonly count: number; readonly right: number }[]
}

export async function cacheContents(database: Pick<Database, 'lease'>, signal: AbortSignal): Promise<CacheContents> {
  return await database.lease({ signal, label: 'collections' }, async sql => {
    const collections = await sql`
      select name, epoch, cache_settings as settings,
        (select count(*) from cached_questions q where q.collection_id = c.id and q.expires_at > now()) as near_questions
      from collections c order by name`
    const observations = await sql`
      select model, count(*) as count, count(*) filter (where is_right) as right_ones from near_observations group by model order by model`
    return {
      collections: collections.map(row => ({
        name: String(row['name']),
        epoch: Number(row['epoch']),
        settings: settingsOf(row['settings'] as Record<string, unknown>),
        nearQuestions: Number(row['near_questions']),
      })),
      observations: observations.map(row => ({
        model: String(row['model']),
        count: Number(row['count']),
        right: Number(row['right_ones']),
      })),
    }
  })
}

function settingsOf({ seconds, fast_seconds: fastSeconds, near }: Record<string, unknown>) {
  const numberOf = (value: unknown) => (typeof value === 'number' ? value : null)
  return {
    seconds: numberOf(seconds),
    fastSeconds: numberOf(fastSeconds),
    near: typeof near === 'boolean' ? near : null,
  }
}
