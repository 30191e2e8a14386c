import type { RuleFacts, Recommendation, Rule } from './recommendation.ts'
import { databaseRules } from './database.ts'
import { cacheRules } from './caches.ts'
import { loadRules } from './load.ts'
import { modelRules } from './models.ts'

/** Warnings first, then in the order of the rules. Pure: the result depends only on the facts. */
export function recommend(facts: RuleFacts, rules: readonly Rule[] = allRules): Recommendation[] {
  const all = rules.flatMap(rule => rule(facts) ?? [])
  return [...all.filter(({ severity }) => severity === 'warning'), ...all.filter(({ severity }) => severity === 'info')]
}

const allRules: readonly Rule[] = [...databaseRules, ...cacheRules, ...modelRules, ...loadRules]
