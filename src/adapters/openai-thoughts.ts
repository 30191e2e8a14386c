const opening = '<think>'
const closing = '</think>'

/**
 * Reasoning models behind plain servers (older Ollama, llama.cpp without its reasoning format) write their thoughts
 * into the reply, between `<think>` and `</think>` at its start. They are no part of the answer. Gives back what may
 * be passed on; held back is only a beginning that may still become `<think>`.
 */
export function createThoughtFilter(): (text: string) => string {
  let place: Place = 'start'
  let held = ''

  function placeNow(): Place {
    const begun = held.trimStart()
    if (place === 'start' && !isBeginning(begun)) place = begun.startsWith(opening) ? 'thought' : 'answer'
    const end = place === 'thought' ? held.indexOf(closing) : -1
    if (end >= 0) {
      place = 'gap'
      held = held.slice(end + closing.length)
    }
    if (place === 'gap') held = held.trimStart()
    return place === 'gap' && held !== '' ? 'answer' : place
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
