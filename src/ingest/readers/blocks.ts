/** Intermediate form of every format: headings and paragraphs of text, in order. */
export type Block =
  | {
      readonly kind: 'heading'
      readonly level: number
      readonly text: string
      readonly anchor?: string
      readonly page?: number
    }
  | { readonly kind: 'text'; readonly text: string; readonly page?: number }
