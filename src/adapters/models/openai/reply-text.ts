/**
 * The text of a piece of a reply, or of a whole message: a string, or a list of parts of which only text counts.
 * Mistral's reasoning models send such lists, with their thoughts in parts of the type `thinking`.
 */
export function textOf(message: unknown): string {
  const { content, refusal } = (message ?? {}) as { readonly content?: unknown; readonly refusal?: unknown }
  return textIn(content) || textIn(refusal)
}

function textIn(content: unknown): string {
  if (typeof content === 'string') return content
  return Array.isArray(content) ? content.map(textOfPart).join('') : ''
}

const textTypes = new Set<unknown>(['text', 'output_text', undefined])

function textOfPart(part: unknown): string {
  if (typeof part === 'string') return part
  const { type, text } = (part ?? {}) as { readonly type?: unknown; readonly text?: unknown }
  return textTypes.has(type) && typeof text === 'string' ? text : ''
}

/** Whether a piece contains a token. Some servers send a first piece, with the role alone, before they start to work. */
export function hasToken(message: unknown): boolean {
  return Object.entries((message ?? {}) as object).some(
    ([name, value]) =>
      name !== 'role' && ((typeof value === 'string' && value !== '') || (Array.isArray(value) && value.length > 0)),
  )
}
