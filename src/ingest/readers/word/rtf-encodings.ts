import { TextDecoder } from 'node:util'

/** Code pages by the character set of a font (`\fcharset`). */
const codePages: ReadonlyMap<number, number> = new Map([
  [77, 10000],
  [128, 932],
  [129, 949],
  [134, 936],
  [136, 950],
  [161, 1253],
  [162, 1254],
  [163, 1258],
  [177, 1255],
  [178, 1256],
  [186, 1257],
  [204, 1251],
  [222, 874],
  [238, 1250],
])

/** 0 and 1 mean the code page of the document. */
export function codePageOf(charset: number): number | undefined {
  return codePages.get(charset)
}

const labels: ReadonlyMap<number, string> = new Map([
  [866, 'ibm866'],
  [874, 'windows-874'],
  [932, 'shift_jis'],
  [936, 'gbk'],
  [949, 'euc-kr'],
  [950, 'big5'],
  [10000, 'macintosh'],
  [10007, 'x-mac-cyrillic'],
  [20866, 'koi8-r'],
  [54936, 'gb18030'],
  [65001, 'utf-8'],
])

const decoders = new Map<number, TextDecoder>()

export function decodeCodePage(bytes: Uint8Array, codePage: number): string {
  const known = decoders.get(codePage)
  if (known !== undefined) return known.decode(bytes)
  const isWindows = codePage >= 1250 && codePage <= 1258
  const decoder = new TextDecoder(labels.get(codePage) ?? (isWindows ? `windows-${codePage}` : 'windows-1252'))
  decoders.set(codePage, decoder)
  return decoder.decode(bytes)
}
