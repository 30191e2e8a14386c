import { isRefusal } from './errors.ts'

/** Null when new connections are accepted again. */
export type OnLoginChange = (refusal: Error | null) => void

/**
 * Tracks whether the server accepts new connections, from the results of connecting: the password may have been
 * changed, or a role or database dropped. Open connections continue to work, so each `source` counts separately.
 */
export function createLoginHealth() {
  const rejected = new Set<string>()
  let onChange: OnLoginChange = () => {}

  /** Records the result of opening or using a connection; null for success. */
  function record(source: string, error: unknown): void {
    const wasAccepted = rejected.size === 0
    if (isRefusal(error)) rejected.add(source)
    else if (error === null) rejected.delete(source)
    if (wasAccepted !== (rejected.size === 0)) onChange(wasAccepted ? (error as Error) : null)
  }

  return { record, watch: (listener: OnLoginChange) => void (onChange = listener) }
}
