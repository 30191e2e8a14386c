import { postgresScenarios } from './postgres-scenarios.ts'
import { runScenario } from './scenario.ts'

/** The longest first, and last over TLS, so that the two do not reconnect as often as they can at the same time. */
for (const scenario of postgresScenarios.toSorted((a, b) => (b.seconds ?? 0) - (a.seconds ?? 0))) runScenario(scenario)
