import type { Priority } from '../../priority.ts'
import type { ApiKey } from '../../config/api-keys.ts'
import { AskError } from '../../errors.ts'

/** Returns the request's `X-Priority`, or that of its key; the default is `interactive`. */
export function priorityOf(header: string | readonly string[] | undefined, apiKey: ApiKey | undefined): Priority {
  if (header === undefined) return apiKey?.priority ?? 'interactive'
  if (header === 'interactive') return 'interactive'
  if (header === 'batch') return 'batch'
  throw new AskError('invalid_request', { detail: 'The X-Priority header must be interactive or batch.' })
}
