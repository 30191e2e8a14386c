const opening = '<think>'
const closing = '</think>'

/**
 * Reasoning models behind plain servers (older Ollama, llama.cpp without its reasoning format) write their thoughts
 * into the reply, between `<think>` and `</think>` at its start. They are no part of the answer, nor are blanks in front
 * of it. Returns what may be passed on; only a beginning that may still become `<think>` is kept back.
 */
export function createReasoningFilter(): (text: string) => string {
  let place: Place = 'start'
  let held = ''

  function placeNow(): Place {
    if (place !== 'thought') held = held.trimStart()
    if (place === 'start' && !isBeginning(held)) place = held.startsWith(opening) ? 'thought' : 'answer'
    if (place === 'thought' && endsThought()) place = 'gap'
    return place === 'gap' && held !== '' ? 'answer' : place
  }

  /** A thought is not kept, except for what may be the first half of its closing mark. */
  function endsThought(): boolean {
    const end = held.indexOf(closing)
    held = end >= 0 ? held.slice(end + closing.length).trimStart() : held.slice(1 - closing.length)
    return end >= 0
  }

  return text => {
    if (place === 'answer') return text
    held += text
    place = placeNow()
    return place === 'answer' ? held : ''
  }
}

type Place = 'start' | 'thought' | 'gap' | 'answer'

/** It may still become the opening mark. */
function isBeginning(text: string): boolean {
  return text.length < opening.length && opening.startsWith(text)
}
