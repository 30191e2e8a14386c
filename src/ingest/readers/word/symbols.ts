import dingbats from 'dingbat-to-unicode'

/** Symbol fonts put their signs on letters, or on private characters from U+F020. */
export function inFont(text: string, font: string): string {
  if (!/symbol|dings/i.test(font) && !/[\uf020-\uf0ff]/.test(text)) return text
  const table = /symbol|dings/i.test(font) ? font : 'Symbol'
  return text.replace(/[!-~\u00a1-\u00ff\uf020-\uf0ff]/g, sign => {
    const code = sign.charCodeAt(0)
    const isPrivate = code >= 0xf020
    return dingbats.codePoint(table, isPrivate ? code - 0xf000 : code)?.string ?? (isPrivate ? '' : sign)
  })
}
