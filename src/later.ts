/**
 * Returns a proxy for an object that exists only once startup is complete. The server already listens before that, but
 * nothing uses the proxy: every route replies `starting` (app.ts).
 */
export function later<T extends object>(get: () => T): T {
  return new Proxy({} as T, {
    get(_, key) {
      const target = get()
      const value: unknown = Reflect.get(target, key)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
