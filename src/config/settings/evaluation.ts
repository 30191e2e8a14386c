import { hidden, setting, words } from '../kinds.ts'
import { apiBase, apiKey } from '../model-api.ts'

export const evaluationSettings = {
  judgeModel: setting(
    'JUDGE_MODEL',
    undefined,
    'Model that judges answers in `askwell eval --answers --judge`. Unset: `CHAT_MODEL`.',
    words,
  ),
  judgeUrl: setting(
    'JUDGE_URL',
    undefined,
    'Base URL of the API of `JUDGE_MODEL`, OpenAI-compatible. Unset: `OPENAI_BASE_URL`.',
    apiBase,
  ),
  judgeApiKey: hidden(
    setting(
      'JUDGE_API_KEY',
      undefined,
      'API key for `JUDGE_MODEL`. Unset: none with `JUDGE_URL`, otherwise `OPENAI_API_KEY`.',
      apiKey,
    ),
  ),
  evalApiKey: hidden(
    setting('EVAL_API_KEY', undefined, 'API key for the service that `askwell eval --url` asks.', words),
  ),
} as const
