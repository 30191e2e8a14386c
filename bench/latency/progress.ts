/** What runs and how long still, on stderr. The estimates are corrected by how long what is done really took. */
export function createProgress(planned: Readonly<Record<string, number>>) {
  const names = Object.keys(planned)
  const begin = performance.now()
  let expected = 0
  let at = 0

  function left(): string {
    const all = Object.values(planned).reduce((sum, seconds) => sum + seconds, 0)
    const pace = expected === 0 ? 1 : (performance.now() - begin) / 1000 / expected
    const seconds = Math.round((all - expected) * pace)
    return seconds < 90 ? `about ${seconds} s left` : `about ${Math.round(seconds / 60)} min left`
  }

  return {
    start: (name: string, about: string) => say(`[${++at}/${names.length}] ${name}: ${about}; ${left()}`),
    end: (name: string) => void (expected += planned[name] ?? 0),
    say,
    elapsedSeconds: () => (performance.now() - begin) / 1000,
  }
}

function say(line: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`)
}
