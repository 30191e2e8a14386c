/**
 * Reads a verdict from what a judge wrote: a JSON object with "verdict", also within a fence or other words. Null if
 * there is none, if it is none of the choices, or if two objects disagree.
 */
export function parseVerdict(text: string, choices: readonly string[]): string | null {
  const found = [...text.matchAll(/\{[^{}]*\}/g)].flatMap(([json]) => {
    const verdict = verdictIn(json)
    return verdict === undefined ? [] : [verdict]
  })
  const chosen = new Set(found.map(verdict => choices.find(choice => choice === verdict) ?? null))
  return chosen.size === 1 ? ([...chosen][0] ?? null) : null
}

function verdictIn(json: string): string | undefined {
  try {
    const { verdict } = JSON.parse(json) as { verdict?: unknown }
    return typeof verdict === 'string' ? verdict.trim().toLowerCase() : undefined
  } catch {
    return undefined
  }
}
