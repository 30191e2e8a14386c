import { fileURLToPath } from 'node:url'

/** Options of pdf.js. The character maps are those of Chinese, Japanese and Korean fonts that are not embedded. */
export const pageOptions = {
  verbosity: 0,
  cMapUrl: fileURLToPath(new URL('cmaps/', import.meta.url)),
  cMapPacked: true,
}
