import { isRefusal } from './errors.ts'

/**
 * Tracks whether the server accepts new connections, from the results of connecting: the password may have been
 * changed, or a role or database dropped. Open connections continue to work, so each `source` counts separately.
 * `onChange` is called with the server's error, and with null when new connections are accepted again.
 */
export function createLoginHealth(onChange: (rejection: Error | null) => void) {
  const rejected = new Set<string>()

  /** Records the result of opening or using a connection; null for success. */
  function record(source: string, error: unknown): void {
    const wasAccepted = rejected.size === 0
    if (isRefusal(error)) rejected.add(source)
    else if (error === null) rejected.delete(source)
    if (wasAccepted !== (rejected.size === 0)) onChange(wasAccepted ? (error as Error) : null)
  }

  return { record }
}
