/** Which requests go first under load: for an interactive one a person waits, for a batch nobody does. */
export type Priority = 'interactive' | 'batch'
