import { rounded } from '../cache/figures.ts'
import { isFailure } from './compare.ts'
import { claimsOf, figuresOf, machineOf, type Report } from './report.ts'
import { comparedLine, figureLine } from './table.ts'

/** A comment for a pull request, as Markdown. */
export function summaryOf(report: Report): string {
  const claims = claimsOf(report)
  return (
    [
      `### Latency benchmark: ${headlineOf(report)}`,
      report.compared === null
        ? tableOf(figuresOf(report).map(figureLine))
        : tableOf(report.compared.map(comparedLine)),
      ...(claims.length === 0
        ? []
        : [
            '<details><summary>Bars</summary>',
            tableOf(
              claims.map(({ what, measured, wanted, isReached }) => ({
                what,
                measured,
                wanted,
                reached: isReached ? 'yes' : 'no',
              })),
            ),
            '</details>',
          ]),
      `Ratios to controls that were measured in the same run, medians of turns (least–most). Commit ${report.commit}, ${machineOf(report)}, \`${report.command}\`.`,
    ].join('\n\n') + '\n'
  )
}

/** How it went, in one line. */
export function headlineOf({ failed, compared, options }: Report): string {
  const broken = Object.keys(failed)
  if (broken.length > 0) return `not everything could be measured: ${broken.join(', ')}`
  if (compared === null) return 'measured, nothing to compare with'
  const [lost, noisy, better] = [
    compared.filter(isFailure),
    compared.filter(each => each.verdict === 'noisy'),
    compared.filter(each => each.verdict === 'better'),
  ].map(each => each.length)
  const main =
    lost! > 0
      ? `${lost} of ${compared.length} figures lost more than ${rounded(options.maxLoss * 100, 0)} %`
      : `no figure of ${compared.length} lost more than ${rounded(options.maxLoss * 100, 0)} %`
  return [
    main,
    ...(better! > 0 ? [`${better} better`] : []),
    ...(noisy! > 0 ? [`${noisy} too noisy to tell`] : []),
  ].join(', ')
}

function tableOf(rows: readonly Record<string, unknown>[]): string {
  const names = Object.keys(rows[0] ?? {})
  const line = (cells: readonly unknown[]) => `| ${cells.map(cell => String(cell).replace(/\|/g, '\\|')).join(' | ')} |`
  return [line(names), line(names.map(() => '---')), ...rows.map(row => line(names.map(name => row[name])))].join('\n')
}
