import type { Readable } from 'node:stream'
import type { Output } from '../output.ts'

const newline = 0x0a

export interface Copying {
  /** The writer has ended: reads what is left at once, so that its end is noticed. */
  finish(): void
}

/**
 * Copies whole lines. Processes that write to one pipe themselves tear each other's lines when these are longer than
 * 4 kB. While nobody reads ours, the other process is not read either: it counts the lines that it loses.
 */
export function copyLines(from: Readable, output: Output): Copying {
  let rest: Buffer[] = []
  let isEnding = false
  from.on('data', (chunk: Buffer) => {
    const end = chunk.lastIndexOf(newline) + 1
    if (end > 0) {
      write(Buffer.concat([...rest, chunk.subarray(0, end)]))
      rest = []
    }
    if (end < chunk.length) rest.push(chunk.subarray(end))
    if (!isEnding && output.isBlocked()) {
      from.pause()
      output.onceDrained(() => from.resume())
    }
  })
  from.on('end', () => {
    if (rest.length > 0) write(Buffer.concat([...rest, Buffer.from('\n')]))
  })

  function write(lines: Buffer): void {
    output.write(lines, linesIn(lines))
  }

  return {
    finish() {
      isEnding = true
      from.resume()
    },
  }
}

function linesIn(text: Buffer): number {
  let count = 0
  for (let at = text.indexOf(newline); at >= 0; at = text.indexOf(newline, at + 1)) count++
  return count
}
