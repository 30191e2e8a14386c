/** Thresholds that several rules share. */

/** Fewer rejections, or a smaller share of requests, may be chance. */
export const minRefused = 20
export const refusedShare = 0.05
/** Event loop utilization from which on the processor is what is scarce. */
export const busyLoop = 0.7
