import type { Block } from '../compose.ts'

/**
 * The plain text of a mail. Quoted replies stay, without the signs in front of their lines. A signature becomes a
 * paragraph of its own.
 */
export function mailText(text: string): Block[] {
  const lines: string[] = []
  let depth = 0
  for (const line of withoutArmor(text.replace(/\r\n?/g, '\n')).split('\n')) {
    const marks = /^(?:>[ ]?){1,50}/.exec(line)?.[0] ?? ''
    const level = marks.replaceAll(' ', '').length
    if (level !== depth) lines.push('')
    depth = level
    const bare = line.slice(marks.length)
    lines.push(/^-- ?$/.test(bare) ? '' : bare.trimEnd())
  }
  return lines
    .join('\n')
    .split(/\n{2,}/)
    .filter(paragraph => paragraph.trim() !== '')
    .map(paragraph => ({ kind: 'text', text: paragraph }))
}

/** A signed text is between lines of dashes. */
function withoutArmor(text: string): string {
  const start = text.indexOf('-----BEGIN PGP SIGNED MESSAGE-----\n')
  const end = text.indexOf('\n-----BEGIN PGP SIGNATURE-----', start)
  if (start === -1 || end === -1) return text
  const head = text.indexOf('\n\n', start)
  const signed = text.slice(head === -1 || head > end ? start : head + 2, end).replace(/^- /gm, '')
  return text.slice(0, start) + signed
}
