/** Formats a W3C Server-Timing header, with `notes` first. */
export function serverTiming(timings: Readonly<Record<string, number>>, ...notes: readonly string[]): string {
  return [...notes, ...Object.entries(timings).map(([name, ms]) => `${name};dur=${ms}`)].join(', ')
}
