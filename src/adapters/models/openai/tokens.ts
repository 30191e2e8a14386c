import { countTokens as countChatTokens } from '../../../text/count-tokens.ts'

/**
 * The API's tokenizer is unknown. o200k is counted with a margin: other English vocabularies need up to a sixth more,
 * and older ones (cl100k, WordPiece) up to twice as many for letters outside ASCII.
 */
export function countTokens(text: string): number {
  const isAscii = !/[^\p{ASCII}]/u.test(text)
  return Math.ceil(countChatTokens(text) * (isAscii ? 1.15 : 2))
}
