import type { LearnedWeights } from '../../../ask/retrieval/weights.ts'
import type { Sql } from '../database.ts'

/** The weight of the dense retriever for questions in one language. */
export interface LearnedWeight {
  readonly language: string
  /** From 0 to 1. */
  readonly vectorWeight: number
  /** The span of similarities that the weight goes with. */
  readonly span: number
  /** Number of questions that it was learned from. */
  readonly questions: number
}

/** Weights by language; empty if nothing was learned for this model. */
export async function readWeights(sql: Sql, model: string): Promise<LearnedWeights> {
  const rows = await sql`select language, vector_weight, span from fusion_weights where model = ${model}`
  return Object.fromEntries(
    rows.map(row => [
      String(row['language']),
      { weight: Number(row['vector_weight']), span: row['span'] === null ? null : Number(row['span']) },
    ]),
  )
}

/**
 * Stores the learned weights; those of other languages stay. All epochs are incremented because cached answers depend
 * on the old ranking.
 */
export async function writeWeights(sql: Sql, model: string, learned: readonly LearnedWeight[]): Promise<void> {
  if (learned.length === 0) return
  await sql.begin(async tx => {
    await tx`
      insert into fusion_weights (model, language, vector_weight, questions, span)
      select ${model}, u.language, u.vector_weight, u.questions, u.span
      from unnest(${learned.map(each => each.language)}::text[], ${learned.map(each => each.vectorWeight)}::real[], ${learned.map(each => each.questions)}::int[],
        ${learned.map(each => each.span)}::real[]) as u(language, vector_weight, questions, span)
      on conflict (model, language) do update
        set vector_weight = excluded.vector_weight, questions = excluded.questions, span = excluded.span, learned_at = now()`
    await tx`update collections set epoch = epoch + 1`
  })
}
