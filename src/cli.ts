#!/usr/bin/env node
import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

/**
 * Reading some nine hundred files and taking the types out of ours is most of a start: kept from one start to the next,
 * a command is there in two thirds of the time. Beside the packages, where only who installs may write: what is in it is
 * run. Where it cannot be written nothing is kept, and nothing fails.
 */
enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/askwell', import.meta.url)))
await import('./program.ts')
