import type { ChatModel } from '../../ask/generation/chat.ts'
import type { Config, FollowSecret } from '../../config/terms.ts'
import { createChat } from './openai/chat.ts'
import { createOpenAIClient } from './openai/client.ts'

/** The model of `GROUNDING_URL`, which checks claims; null where none is set. Its key is followed. */
export function openClaimModel({ grounding }: Pick<Config, 'grounding'>, follow: FollowSecret): ChatModel | null {
  if (grounding?.model == null) return null
  const { baseUrl, apiKey, model } = grounding.model
  const client = createOpenAIClient({ apiKey, baseUrl, timeoutMs: grounding.timeoutMs })
  follow('GROUNDING_API_KEY', key => void (client.apiKey = key))
  return createChat(client, { model })
}
