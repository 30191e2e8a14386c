import type { Passage, PassageSection } from '../terms/passage.ts'

/** The section of a passage that a part of its text belongs to. `offset` is into the passage's text. */
export function placeAt(passage: Passage, offset: number): Omit<PassageSection, 'start'> {
  const at = passage.start + offset
  return passage.sections?.findLast(section => section.start <= at) ?? passage
}
