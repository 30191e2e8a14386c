#!/usr/bin/env node
import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

/**
 * Compiling what is imported, and taking the types out of ours, is kept from one start to the next: a command takes .55 s
 * of processor time instead of .85, the service on its embedded database is ready in 1.33 s instead of 1.55. Beside the
 * packages, where only who installs may write: what is in it is run. Where it cannot be written nothing is kept, and
 * nothing fails.
 */
enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/askwell', import.meta.url)))
await import('./program.ts')
