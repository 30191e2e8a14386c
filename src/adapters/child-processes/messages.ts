/** Messages between a pool and its children (pool.ts, program.ts). Imports nothing. */

export type ToChild<Task, Answer> = { readonly task: Task } | { readonly answer: Answer }

export type FromChild<Part, Result> =
  | { readonly kind: 'ready' }
  /** The child continues when it has the answer. `isNew` starts a new piece of work with limits of its own. */
  | { readonly kind: 'part'; readonly part: Part; readonly isNew: boolean }
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: 'failed'; readonly reason: string }
