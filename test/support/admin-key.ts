/** Admin key of the service in every test. A separate module, so that a client can import it without anything else. */
export const adminKey = 'a-key-for-tests-only'
