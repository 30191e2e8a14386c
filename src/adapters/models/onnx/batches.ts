/** A text of about a hundred tokens keeps the processor busy alone; a batch of longer ones gains nothing. */
const shortText = 400
const mostTexts = 8

/**
 * The texts by their indices, in batches that are scored one after the other. Their order counts, because the time may
 * end before all are scored. Only short texts that follow each other are put in batches, those of similar length
 * together, because padding costs as much as text.
 */
export function batchesOf(texts: readonly string[]): number[][] {
  const batches: number[][] = []
  let short: number[] = []
  const endRun = () => {
    const sorted = short.toSorted((a, b) => texts[a]!.length - texts[b]!.length)
    for (let at = 0; at < sorted.length; at += mostTexts) batches.push(sorted.slice(at, at + mostTexts))
    short = []
  }
  texts.forEach((text, i) => {
    if (text.length <= shortText) return void short.push(i)
    endRun()
    batches.push([i])
  })
  endRun()
  return batches
}
