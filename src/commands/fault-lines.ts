import type { ReadFault } from '../ingest/terms.ts'
import { printable } from '../text/printable.ts'

/** A file with one wrong quote can have a fault in every line. */
const mostPerFile = 20

/** Prints one line per fault. Of the lines of one file it prints the first twenty, and `end` says how many more there are. */
export function createFaultLines(print: (line: string) => void) {
  const counts = new Map<string, number>()

  function report(fault: ReadFault): void {
    if (fault.line === undefined) return print(faultLine(fault))
    const count = (counts.get(fault.path) ?? 0) + 1
    counts.set(fault.path, count)
    if (count <= mostPerFile) print(faultLine(fault))
  }

  function end(): void {
    for (const [path, count] of counts) {
      if (count > mostPerFile)
        print(faultLine({ path, reason: `${count - mostPerFile} more of its lines could not be read` }))
    }
  }

  return { report, end }
}

/** One line, whatever the name of the file. */
export function faultLine({ path, line, reason }: ReadFault): string {
  return printable(`askwell: ${path}${line === undefined ? '' : `:${line}`}: ${reason}`)
}
