const opening = '<think>'
const closing = '</think>'

/**
 * Reasoning models behind plain servers (older Ollama, llama.cpp without its reasoning format) write their thoughts
 * into the reply, between `<think>` and `</think>` at its start. They are no part of the answer. Gives back what may
 * be passed on; held back is only a beginning that may still become `<think>`.
 */
export function createThoughtFilter(): (text: string) => string {
  let place: 'start' | 'thought' | 'gap' | 'answer' = 'start'
  let held = ''

  function settle(): void {
    const begun = held.trimStart()
    if (place === 'start' && !isBeginning(begun)) place = begun.startsWith(opening) ? 'thought' : 'answer'
    const end = place === 'thought' ? held.indexOf(closing) : -1
    if (end >= 0) {
      place = 'gap'
      held = held.slice(end + closing.length)
    }
    if (place === 'gap') held = held.trimStart()
    if (place === 'gap' && held !== '') place = 'answer'
  }

  return text => {
    if (place === 'answer') return text
    held += text
    settle()
    return place === 'answer' ? held : ''
  }
}

/** It may still become the opening mark. */
function isBeginning(text: string): boolean {
  return text.length < opening.length && opening.startsWith(text)
}
