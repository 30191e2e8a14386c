import type { Span } from './pdf-rows.ts'

export interface Line {
  readonly text: string
  readonly x: number
  readonly right: number
  readonly y: number
  readonly size: number
  /** True if the lines are as the file has them, without positions that could be compared. */
  readonly isOrdered?: boolean
  readonly isField?: boolean
}

/** Lines of one column, or the rows of a table. */
export type Region =
  | { readonly kind: 'lines'; readonly lines: readonly Line[] }
  | {
      readonly kind: 'table'
      readonly rows: readonly (readonly string[])[]
      readonly columns: readonly Span[]
      readonly size: number
    }
