import type { Facts, Recommendation, Rule } from './advice.ts'
import { databaseRules } from './recommend-database.ts'
import { cacheRules } from './recommend-caches.ts'
import { loadRules } from './recommend-load.ts'
import { modelRules } from './recommend-models.ts'

/** What is wrong before what could be better; else in the order of the rules. Pure: the same facts, the same advice. */
export function recommend(facts: Facts, rules: readonly Rule[] = allRules): Recommendation[] {
  const all = rules.flatMap(rule => rule(facts) ?? [])
  return [...all.filter(({ severity }) => severity === 'warning'), ...all.filter(({ severity }) => severity === 'info')]
}

export const allRules: readonly Rule[] = [...databaseRules, ...cacheRules, ...modelRules, ...loadRules]
