import { AskError } from '../../../errors.ts'

/** Why a model could not be pulled, and what to do. */
export class PullError extends AskError {
  constructor(detail: string, cause?: unknown) {
    super('model_failed', { detail, cause })
  }
}

/** The address has no file of this name. */
export class NotThere extends PullError {}
