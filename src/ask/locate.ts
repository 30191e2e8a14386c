import { AskError } from '../errors.ts'
import type { AskWithin } from './remember.ts'
import type { Ask, AskedCollection, Run } from './terms.ts'

/** Looks the collection up first: the outermost arrangement, what the edge calls. */
export function located(find: (name: string, run: Run) => Promise<AskedCollection | null>, ask: AskWithin): Ask {
  return async function* locatedAsk(question, run) {
    const collection = await find(question.collection, run)
    if (!collection) throw unknownCollection(question.collection)
    yield* ask(question, collection, run)
  }
}

export function unknownCollection(name: string): AskError {
  const detail = `there is no collection "${name}"; load documents into it with: askwell ingest PATH --collection ${name}`
  return new AskError('unknown_collection', { detail })
}
