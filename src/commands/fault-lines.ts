import type { ReadFault } from '../ingest/terms.ts'
import { printable } from '../text/printable.ts'

/** One wrong quote can cause a fault on every line of a file. */
const maxLinesPerFile = 20

/**
 * Prints one line per fault. Only the first twenty of a file's lines are printed; `end` prints how many more there are.
 */
export function createFaultLines(print: (line: string) => void) {
  const counts = new Map<string, number>()

  function report(fault: ReadFault): void {
    if (fault.line === undefined) return print(faultLine(fault))
    const count = (counts.get(fault.path) ?? 0) + 1
    counts.set(fault.path, count)
    if (count <= maxLinesPerFile) print(faultLine(fault))
  }

  function end(): void {
    for (const [path, count] of counts) {
      if (count > maxLinesPerFile)
        print(faultLine({ path, reason: `${count - maxLinesPerFile} more lines could not be read` }))
    }
  }

  return { report, end }
}

/** Always one line, even if the file name contains line breaks. */
export function faultLine({ path, line, reason }: ReadFault): string {
  return printable(`askwell: ${path}${line === undefined ? '' : `:${line}`}: ${reason}`)
}
