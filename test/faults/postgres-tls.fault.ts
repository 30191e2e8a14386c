import { postgresScenarios } from './postgres-scenarios.ts'
import { runScenario } from './scenario.ts'

for (const scenario of postgresScenarios.toSorted((a, b) => (a.seconds ?? 0) - (b.seconds ?? 0)))
  runScenario({ ...scenario, name: `${scenario.name} (over TLS)`, isEncrypted: true })
