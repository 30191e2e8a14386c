import { playPostgres } from './postgres-scenarios.ts'

// One after the other: side by side, each would take the processor time in which the other must connect again.
playPostgres({ isEncrypted: false })
playPostgres({ isEncrypted: true })
