import type { Database } from '../adapters/postgres/database.ts'
import { readWeights, writeWeights } from '../adapters/postgres/store/fusion-weights.ts'
import type { Embedder } from '../ask/retrieval/embedder.ts'
import type { LearnedWeights } from '../ask/retrieval/weights.ts'
import type { JudgedCandidates } from '../eval/evidence.ts'
import { learn, type Lesson } from '../eval/learn.ts'
import { migrate } from '../adapters/postgres/migrate.ts'
import { withDatabase } from './opened.ts'
import type { Config } from '../config/terms.ts'

/** The embedding model that the weights belong to. */
type Model = Pick<Embedder, 'model'>

/**
 * Fails if learned weights would have no effect or could not be stored. Runs before the evaluation, which takes
 * minutes.
 */
export async function checkLearning(config: Config, signal: AbortSignal): Promise<void> {
  if (config.ask.fusion === 'rrf')
    throw new Error('FUSION=rrf has no weights to learn; unset it or set FUSION=weighted')
  await withDatabase(config.database, database => prepare(database, signal))
}

/** Learns weights from the evidence and stores them in the operator's database (DATABASE_URL or DATA_DIR). */
export async function learnInto(
  config: Config,
  model: Model,
  evidence: readonly JudgedCandidates[],
  signal: AbortSignal,
): Promise<Lesson[]> {
  return await withDatabase(config.database, async database => {
    await prepare(database, signal)
    const before: LearnedWeights = await database.lease(leaseOptions(signal), sql => readWeights(sql, model.model))
    const lessons = learn(evidence, before)
    const learned = lessons.flatMap(({ language, questions, learned: weight, span }) =>
      weight === null ? [] : [{ language, questions, vectorWeight: weight, span }],
    )
    await database.lease(leaseOptions(signal), sql => writeWeights(sql, model.model, learned))
    return lessons
  })
}

async function prepare(database: Database, signal: AbortSignal): Promise<void> {
  await database.lease(leaseOptions(signal), sql => migrate(sql))
}

function leaseOptions(signal: AbortSignal) {
  return { signal, label: 'learn' }
}
