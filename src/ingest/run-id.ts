import { randomBytes } from 'node:crypto'

/** Id of a run of `askwell ingest`: a UUID version 7 (RFC 9562), so that a later run has a greater id. */
export function createRunId(now: number = Date.now()): string {
  const time = now.toString(16).padStart(12, '0')
  const bytes = randomBytes(10)
  bytes[2] = 0x80 | (bytes[2]! & 0x3f)
  const random = bytes.toString('hex')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(1, 4)}-${random.slice(4, 8)}-${random.slice(8)}`
}
