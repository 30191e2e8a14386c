import type { Embedder } from '../ask/retrieval/embedder.ts'
import type { Collection, Preparedness } from './terms.ts'

/**
 * How far the chunks of a collection and their units are embedded:
 *
 * - `complete`: all that the model reads, and answers made without them are no longer used;
 * - `behind`: the service embeds them in the background;
 * - `missing`: `askwell reembed` adds them;
 * - `over_limit`: the collection has too many chunks (EMBEDDING_UNITS_MAX_CHUNKS);
 * - `off`: none are (EMBEDDING_UNITS, or no vectors at all).
 */
export type UnitState = 'complete' | 'behind' | 'missing' | 'over_limit' | 'off'

type UnitsModel = Pick<Embedder, 'unitsUpTo' | 'areUnitsBehind' | 'model'>

export function unitState(
  { unitsUpTo = 0, areUnitsBehind = false, model }: UnitsModel,
  collection: Pick<Collection, 'model' | 'chunkCount'>,
  { lackingVectors, lackingUnits, isFilling }: Pick<Preparedness, 'lackingVectors' | 'lackingUnits' | 'isFilling'>,
): UnitState {
  if (unitsUpTo === 0 || collection.model?.name !== model) return 'off'
  if (lackingVectors + lackingUnits === 0 && !isFilling) return 'complete'
  if (collection.chunkCount > unitsUpTo) return 'over_limit'
  return areUnitsBehind || isFilling ? 'behind' : 'missing'
}

/** What is said to somebody who loads a document into a collection with too many chunks for units. */
export function overLimitWarning(chunks: number, unitsUpTo: number): string {
  const [has, most] = [chunks, unitsUpTo].map(count => count.toLocaleString('en'))
  return `its sentences have no vectors of their own: the collection has ${has} chunks, and EMBEDDING_UNITS_MAX_CHUNKS is ${most}; raise it, then run askwell reembed`
}
