import { playPostgres } from './postgres-scenarios.ts'

playPostgres({ isEncrypted: true })
