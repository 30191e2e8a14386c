import { AskError } from '../../../errors.ts'
import type { NamedModel } from '../../../ingest/terms.ts'
import type { Sql } from '../database.ts'
import type { Row } from '../driver.ts'

/**
 * Creates what a write needs: its collection and its model. They nearly always exist, so they are looked up first: even
 * an insert that conflicts uses up a sequence number, and one per write would exhaust the ids.
 */

/**
 * Creates the collection if it does not exist. A collection without a model gets this one; otherwise it keeps its own.
 */
export async function ensureCollection(sql: Sql, name: string, model: NamedModel): Promise<void> {
  const find = async () => (await sql`select model_id from collections where name = ${name}`)[0]
  if (await hasChangedModel(sql, name)) return
  const modelId = await ensureModel(sql, model)
  const collection = await findOrCreate(
    find,
    () => sql`insert into collections (name, model_id) values (${name}, ${modelId}) on conflict do nothing`,
  )
  if (collection['model_id'] === null)
    await sql`update collections set model_id = ${modelId} where name = ${name} and model_id is null`
}

/** Such a collection keeps its model until it is re-embedded; nothing is to be made for it. */
async function hasChangedModel(sql: Sql, name: string): Promise<boolean> {
  const [row] = await sql`
    select m.changed_at from collections c join embedding_models m on m.id = c.model_id where c.name = ${name}`
  return row !== undefined && row['changed_at'] !== null
}

/**
 * Frees the name of a model whose vectors have changed, so that those of today are stored as another model's. With
 * `alsoLength`, also where they have another length than the stored ones. The stored vectors stay what they were.
 */
export async function supersedeModel(sql: Sql, { name, dimensions }: NamedModel, alsoLength = false): Promise<void> {
  const otherLength = JSON.stringify({ similarity: 0, texts: 0, hasOtherLength: true })
  await sql`
    update embedding_models m set
      name = name || ' (until ' || to_char(now() at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS') || ')',
      changed_at = coalesce(changed_at, now()), changed = coalesce(changed, ${otherLength}::text::jsonb)
    where name = ${name} and (changed_at is not null or (${alsoLength} and dimensions <> ${dimensions}
      and exists (select from chunk_vectors v where v.model_id = m.id)))`
}

/** Of a halfvec in an index. */
const mostDimensions = 4000

/**
 * Returns the id of an embedding model and stores it if new. Its dimensions are fixed once vectors of that length
 * exist, so that a first attempt with another EMBEDDING_DIMENSIONS has no lasting effect. Throws `model_mismatch` if
 * they differ, or cannot be stored.
 */
export async function ensureModel(sql: Sql, model: NamedModel): Promise<number> {
  if (model.dimensions > mostDimensions) throw tooManyDimensions(model)
  await supersedeModel(sql, model)
  const find = async () => (await sql`select id, dimensions from embedding_models where name = ${model.name}`)[0]
  const stored = await findOrCreate(
    find,
    () => sql`
    insert into embedding_models (name, dimensions) values (${model.name}, ${model.dimensions}) on conflict do nothing`,
  )
  if (Number(stored['dimensions']) !== model.dimensions) await changeDimensions(sql, model)
  return Number(stored['id'])
}

async function changeDimensions(sql: Sql, { name, dimensions }: NamedModel): Promise<void> {
  await sql`
    update embedding_models m set dimensions = ${dimensions}
    where name = ${name} and dimensions <> ${dimensions} and not exists (select from chunk_vectors v where v.model_id = m.id)`
  const [stored] = await sql`select dimensions from embedding_models where name = ${name}`
  if (Number(stored?.['dimensions']) !== dimensions)
    throw dimensionMismatch({ name, dimensions }, Number(stored?.['dimensions']))
}

/**
 * Ids may be assigned within a gap (sql/000006_identity.sql) and reach one that is in use; the next one is then tried.
 */
const maxAttempts = 1000

/** `create` does nothing if another process was first. That process has committed by then, so its row is found. */
async function findOrCreate(find: () => Promise<Row | undefined>, create: () => PromiseLike<unknown>): Promise<Row> {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const found = await find()
    if (found) return found
    await create()
  }
  throw new AskError('database_unavailable', {
    detail: 'No id is free for a new collection or embedding model; delete unused collections.',
  })
}

function dimensionMismatch(model: NamedModel, stored: number): AskError {
  const detail =
    `"${model.name}" made vectors of ${stored} numbers before and makes ${model.dimensions} now: ` +
    `set EMBEDDING_DIMENSIONS=${stored}, or rebuild the vectors of each collection with: askwell reembed --collection NAME`
  return new AskError('model_mismatch', { detail })
}

function tooManyDimensions({ name, dimensions }: NamedModel): AskError {
  const detail =
    `"${name}" makes vectors of ${dimensions} numbers, and Postgres can index at most ${mostDimensions}: ` +
    `set EMBEDDING_DIMENSIONS to fewer, if the model can shorten its vectors, or use another EMBEDDING_MODEL`
  return new AskError('model_mismatch', { detail })
}
