import type { Priority } from '../ask/terms.ts'
import { AskError } from '../errors.ts'

/** The request's `X-Priority`; without one somebody is waiting for the answer. */
export function priorityOf(header: string | readonly string[] | undefined): Priority {
  if (header === undefined || header === 'interactive') return 'interactive'
  if (header === 'batch') return 'batch'
  throw new AskError('invalid_request', { detail: 'the header X-Priority must be interactive or batch' })
}
