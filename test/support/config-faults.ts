import { readConfig } from '../../src/config/config.ts'
import { ConfigError } from '../../src/config/terms.ts'

/** What is wrong with these settings, a line for each fault. */
export function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    readConfig(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}
