import { createBatchSize, type BatchSize } from '../resilience/load-batches/size.ts'
import { textsPerCall } from './embed-drafts.ts'

/**
 * A question waits for a call of background work at most about as long, where the model does one thing after another.
 * Larger calls gain little from here on.
 */
const aimMs = 300
const firstItems = 16
/** What a text costs apart from its length, in characters. */
const charactersPerText = 40

/** Sizes the calls of background work by how slow the model is: a few texts where it takes long, many where it is quick. */
export function createBackgroundCalls(): BatchSize<string> {
  return createBatchSize({
    weigh: text => text.length + charactersPerText,
    firstItems,
    mostItems: textsPerCall,
    mostWeight: Infinity,
    aimMs: () => aimMs,
  })
}
