/** Which requests go first under load: somebody waits for an interactive one, nobody for a batch one. */
export type Priority = 'interactive' | 'batch'
