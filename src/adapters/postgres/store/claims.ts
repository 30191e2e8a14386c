import { AskError } from '../../../errors.ts'
import type { Sql } from '../database.ts'

/**
 * What a write needs to be there: its collection and its model. Nearly always they are, so they are looked up first: an
 * insert that finds them takes a number from their sequence all the same, and one a write used all numbers up.
 */

/** An embedding model as it is stored; vectors have `dimensions` numbers. */
export interface NamedModel {
  readonly name: string
  readonly dimensions: number
}

/** Makes the collection if it is absent. One that has no model gets this one; one that has keeps its own. */
export async function claimCollection(sql: Sql, name: string, model: NamedModel): Promise<void> {
  const modelId = await claimModel(sql, model)
  const claimed = await foundOrMade(
    async () => (await sql`select model_id from collections where name = ${name}`)[0],
    () => sql`insert into collections (name, model_id) values (${name}, ${modelId}) on conflict do nothing`,
  )
  if (claimed['model_id'] === null)
    await sql`update collections set model_id = ${modelId} where name = ${name} and model_id is null`
}

/**
 * The id of an embedding model, which is noted if new. Its dimensions stay, as long as vectors of that length are here: a
 * first try with another EMBEDDING_DIMENSIONS must not bind anybody. Throws `model_mismatch` when they differ.
 */
export async function claimModel(sql: Sql, model: NamedModel): Promise<number> {
  const find = async () => (await sql`select id, dimensions from embedding_models where name = ${model.name}`)[0]
  const stored = await foundOrMade(
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

type Row = Record<string, unknown>

/** Numbering may go on in a gap (sql/000006_identity.sql), and meet a number in use behind it: then the next is tried. */
const mostTries = 1000

/** `make` does nothing where another was first; that one has committed when it returns, so it is found then. */
async function foundOrMade(find: () => Promise<Row | undefined>, make: () => PromiseLike<unknown>): Promise<Row> {
  for (let tries = 0; tries < mostTries; tries++) {
    const found = await find()
    if (found) return found
    await make()
  }
  throw new AskError('database_unavailable', {
    detail: 'no number is free for a new collection or embedding model: delete collections that nobody uses',
  })
}

function dimensionMismatch(model: NamedModel, stored: number): AskError {
  const detail =
    `"${model.name}" made vectors of ${stored} numbers before and makes ${model.dimensions} now: ` +
    `set EMBEDDING_DIMENSIONS=${stored}, or give the model another name`
  return new AskError('model_mismatch', { detail })
}
