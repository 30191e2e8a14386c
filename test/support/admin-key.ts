/** Of the service in every test: for documents and caches. By itself, for a client that needs nothing else of ours. */
export const adminKey = 'a-key-for-tests-only'
