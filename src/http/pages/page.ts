import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/**
 * Reads a page of this folder: an HTML file with the style sheet and the script of the same name inlined, because one
 * request for the page cannot fail halfway and a hash in its policy admits this script only.
 */
export function readPage(name: string): string {
  return textOf(`${name}.html`)
    .replace(`<link rel="stylesheet" href="${name}.css">`, () => `<style>\n${textOf(`${name}.css`)}</style>`)
    .replace(
      `<script type="module" src="${name}.js"></script>`,
      () => `<script type="module">\n${textOf(`${name}.js`)}</script>`,
    )
}

/** The hash of the page's only `<style>` or `<script>`, as a source in a Content-Security-Policy. */
export function sourceHash(tag: 'style' | 'script', page: string): string {
  const [, inside] = new RegExp(`<${tag}(?: [^>]*)?>(.*?)</${tag}>`, 's').exec(page) ?? []
  if (inside === undefined) throw new Error(`the page has no <${tag}>`)
  return `'sha256-${hash('sha256', inside, 'base64')}'`
}

function textOf(file: string): string {
  return readFileSync(new URL(file, import.meta.url), 'utf8')
}
