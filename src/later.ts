/**
 * Stands in for what is opened later, with a listening server before it. Nobody asks it until then: `starting` is the
 * answer of every route (app.ts).
 */
export function later<T extends object>(get: () => T): T {
  return new Proxy({} as T, {
    get(_, key) {
      const found = get()
      const value: unknown = Reflect.get(found, key)
      return typeof value === 'function' ? value.bind(found) : value
    },
  })
}
