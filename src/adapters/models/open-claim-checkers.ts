import { claimCheckers } from '../../ask/grounding/checkers.ts'
import type { SupportChecker } from '../../ask/grounding/ground.ts'
import type { Run } from '../../ask/terms/run.ts'
import type { Config, FollowSecret } from '../../config/terms.ts'
import { createChat } from './openai/chat.ts'
import { createOpenAIClient } from './openai/client.ts'

/** The model of `GROUNDING_URL`; null where none is set. Its key is followed. */
export function openClaimCheckers(
  { grounding }: Pick<Config, 'grounding'>,
  follow: FollowSecret,
): ((run: Run) => SupportChecker) | null {
  if (grounding?.model == null) return null
  const { baseUrl, apiKey, model } = grounding.model
  const client = createOpenAIClient({ apiKey, baseUrl, timeoutMs: grounding.timeoutMs })
  follow('GROUNDING_API_KEY', key => void (client.apiKey = key))
  return claimCheckers(createChat(client, { model }), { timeoutMs: grounding.timeoutMs })
}
