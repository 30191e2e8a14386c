import { AskError } from '../errors.ts'

export function unknownCollection(name: string): AskError {
  const detail = `There is no collection "${name}"; load documents into it with \`askwell ingest PATH --collection ${name}\`.`
  return new AskError('unknown_collection', { detail })
}
