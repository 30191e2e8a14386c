import type { Readable } from 'node:stream'

const newline = 0x0a

/**
 * Copies whole lines. Processes that write to one pipe themselves tear each other's lines when these are longer than
 * 4 kB.
 */
export function copyLines(from: Readable, write: (lines: Buffer) => void): void {
  let rest: Buffer[] = []
  from.on('data', (chunk: Buffer) => {
    const end = chunk.lastIndexOf(newline) + 1
    if (end > 0) {
      write(Buffer.concat([...rest, chunk.subarray(0, end)]))
      rest = []
    }
    if (end < chunk.length) rest.push(chunk.subarray(end))
  })
  from.on('end', () => {
    if (rest.length > 0) write(Buffer.concat([...rest, Buffer.from('\n')]))
  })
}
