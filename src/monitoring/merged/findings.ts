import { isMoreSevere, serviceVerdicts, sortFindings, type Finding, type Verdict } from '../findings/findings.ts'
import { worstOf } from './values.ts'

/** One finding per code: the most severe one, with the evidence of the process that has it. */
export function mergedFindings(all: readonly (readonly Finding[])[]): Finding[] {
  const byCode = new Map<string, Finding>()
  for (const finding of all.flat()) {
    const known = byCode.get(finding.code)
    if (known === undefined || isMoreSevere(finding.severity, known.severity)) byCode.set(finding.code, finding)
  }
  return sortFindings([...byCode.values()])
}

export function mergedVerdict(all: readonly Verdict[]): Verdict {
  return {
    verdict: worstOf(
      serviceVerdicts,
      all.map(({ verdict }) => verdict),
    ),
    findings: mergedFindings(all.map(({ findings }) => findings)),
  }
}
