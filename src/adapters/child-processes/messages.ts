/** What a pool and its children say to each other (pool.ts, program.ts). Imports nothing. */

export type ToChild<Task, Answer> = { readonly task: Task } | { readonly answer: Answer }

export type FromChild<Part, Result> =
  | { readonly kind: 'ready' }
  /** The child goes on when it has the answer. `isNew`: a new piece of work begins, with limits of its own. */
  | { readonly kind: 'part'; readonly part: Part; readonly isNew: boolean }
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: 'failed'; readonly reason: string }
