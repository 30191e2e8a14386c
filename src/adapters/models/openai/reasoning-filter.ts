const opening = '<think>'
const closing = '</think>'

/**
 * Removes reasoning from replies. Reasoning models behind simple servers (older Ollama, llama.cpp without its reasoning
 * format) write it into the reply, between `<think>` and `</think>` at the start. White space before the answer is
 * removed too. Returns the text that may be passed on; only a beginning that may still become `<think>` is held back.
 */
export function createReasoningFilter(): (text: string) => string {
  let state: State = 'start'
  let pending = ''

  function nextState(): State {
    if (state !== 'reasoning') pending = pending.trimStart()
    if (state === 'start' && !isBeginning(pending)) state = pending.startsWith(opening) ? 'reasoning' : 'answer'
    if (state === 'reasoning' && endsReasoning()) state = 'gap'
    return state === 'gap' && pending !== '' ? 'answer' : state
  }

  /** Discards the reasoning except for what may be the start of the closing tag. */
  function endsReasoning(): boolean {
    const end = pending.indexOf(closing)
    pending = end >= 0 ? pending.slice(end + closing.length).trimStart() : pending.slice(1 - closing.length)
    return end >= 0
  }

  return text => {
    if (state === 'answer') return text
    pending += text
    state = nextState()
    return state === 'answer' ? pending : ''
  }
}

type State = 'start' | 'reasoning' | 'gap' | 'answer'

/** Whether the text may still become the opening tag. */
function isBeginning(text: string): boolean {
  return text.length < opening.length && opening.startsWith(text)
}
