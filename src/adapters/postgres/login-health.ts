import { isRefusal } from './errors.ts'

/** Null: whoever connects is let in again. */
export type OnLoginChange = (refusal: Error | null) => void

/**
 * Knows whether the server lets in who connects, from what connecting came to: a password that was changed, a role or a
 * database that is gone. Connections that are open already go on, so each that `who` opens counts for itself.
 */
export function createLoginHealth() {
  const refused = new Set<string>()
  let tell: OnLoginChange = () => {}

  /** What a connection met that was opened, or asked again; null: it is in. */
  function met(who: string, error: unknown): void {
    const wasIn = refused.size === 0
    if (isRefusal(error)) refused.add(who)
    else if (error === null) refused.delete(who)
    if (wasIn !== (refused.size === 0)) tell(wasIn ? (error as Error) : null)
  }

  return { met, watch: (each: OnLoginChange) => void (tell = each) }
}
