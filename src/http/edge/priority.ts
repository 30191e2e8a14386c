import type { Priority } from '../../priority.ts'
import type { ApiKey } from '../../config/api-keys.ts'
import { AskError } from '../../errors.ts'

/** The request's `X-Priority`, else that of its key; without one somebody is waiting for the answer. */
export function priorityOf(header: string | readonly string[] | undefined, apiKey: ApiKey | undefined): Priority {
  if (header === undefined) return apiKey?.priority ?? 'interactive'
  if (header === 'interactive') return 'interactive'
  if (header === 'batch') return 'batch'
  throw new AskError('invalid_request', { detail: 'the header X-Priority must be interactive or batch' })
}
