import { open } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import { formatOf, knownEndings } from './formats.ts'
import { decodedWith } from './readers/encoding/decoders.ts'
import { encodingOf } from './readers/encoding/encoding.ts'

/** Why a file in a folder was not read. Only `unsupported` is a fault of its own. */
const skipReasons = ['unsupported', 'picture', 'media', 'archive', 'font', 'code', 'data', 'ignored'] as const
export type SkipReason = (typeof skipReasons)[number]

/** Files that were not read, by reason. */
export type SkipCounts = Readonly<Partial<Record<SkipReason, number>>>

/** Extensions of documents that cannot be read, with supported ones to save them as; the first known ones are named. */
const conversions: readonly (readonly [extensions: string, targets: readonly string[]])[] = [
  ['doc dot docm dotx dotm wpd wps wri pages sxw odt ott fodt rtf abw', ['.docx', '.pdf']],
  ['tex latex ltx org textile rst adoc asciidoc mediawiki wiki pod man', ['.md', '.html']],
  ['xls xlsx xlsm xlsb xlt xltx ods ots fods numbers sxc dbf', ['.xlsx', '.csv']],
  ['ppt pps pot pptx pptm ppsx odp otp fodp key sxi', ['.pptx', '.pdf']],
  ['msg eml emlx mbox pst oft', ['.eml', '.html', '.pdf']],
  ['epub mobi azw azw3 fb2 lit chm hlp', ['.epub', '.html', '.pdf']],
  ['mht mhtml webarchive xhtml xht xml maff', ['.html']],
  ['djvu djv ps eps xps oxps odg otg vsd vsdx pub one onetoc2 indd', ['.pdf']],
  ['ipynb srt vtt sub log nfo asc text', ['.md', '.txt']],
]

const kinds: Readonly<Record<Exclude<SkipReason, 'unsupported' | 'ignored'>, string>> = {
  picture: 'png jpg jpeg jpe gif bmp tif tiff webp heic heif avif ico cur svg svgz psd ai xcf raw cr2 nef dng drawio',
  media: 'mp3 wav ogg oga opus flac m4a aac wma mp4 m4v mov avi mkv webm wmv mpg mpeg flv 3gp mid',
  archive: 'zip tar gz tgz bz2 tbz xz txz 7z rar zst lz4 jar war ear iso dmg deb rpm apk cab whl',
  font: 'ttf otf woff woff2 eot ttc pfb',
  code: `js mjs cjs jsx ts mts cts tsx css scss sass less py pyi rb java c h cc cpp hpp cs go rs php swift kt kts scala sh
    bash zsh fish ps1 bat cmd sql r lua pl pm vue svelte astro map lock toml yaml yml ini cfg conf config env properties
    gradle cmake mk tf hcl proto graphql gql dart ex exs erl hs clj groovy jl nix patch diff po pot sln csproj iml xsd
    xsl xslt dtd plist feature tpl ejs hbs pug mustache jinja j2 njk snap`,
  data: `exe dll so dylib bin dat db db3 sqlite sqlite3 mdb accdb pyc pyo class o a lib obj wasm parquet avro orc feather
    arrow onnx pt pth safetensors gguf pkl npy npz h5 mat rds tmp temp bak old orig swp swo part crdownload pem crt cer
    der p12 pfx gpg sig asc md5 sha1 sha256 torrent lnk url webloc pid sock ics vcf shp geojson gpx kml stl blend fbx`,
}

const reasonOfExtension = new Map<string, SkipReason>(
  Object.entries(kinds).flatMap(([kind, list]) =>
    list.split(/\s+/).map(each => [`.${each}`, kind as SkipReason] as const),
  ),
)
const targetsOf = new Map<string, readonly string[]>(
  conversions.flatMap(([list, targets]) => list.split(' ').map(each => [`.${each}`, targets] as const)),
)
/** Files without an extension that belong to programs. */
const codeNames =
  /^(?:makefile|dockerfile|jenkinsfile|vagrantfile|procfile|gemfile|rakefile|brewfile|codeowners|licen[cs]e|copying|notice|authors)$/i

/** Why a file of an unknown format is not read, and, if it looks like a document, what to do about it. */
export interface Unknown {
  readonly reason: Exclude<SkipReason, 'ignored'>
  /** Follows the file name; only with `unsupported`. */
  readonly fault?: string
}

/** Decides by the extension, and by the content if nothing is known about the extension. */
export async function unknownFile(path: string): Promise<Unknown> {
  const extension = extname(path).toLowerCase()
  if (targetsOf.has(extension)) return { reason: 'unsupported', fault: unsupportedFault(path) }
  const reason = reasonOfExtension.get(extension)
  if (reason !== undefined && reason !== 'unsupported' && reason !== 'ignored') return { reason }
  if (codeNames.test(basename(path))) return { reason: 'code' }
  if (!(await isText(path))) return { reason: 'data' }
  return { reason: 'unsupported', fault: unsupportedFault(path) }
}

const advice: { readonly [Reason in SkipReason]?: string } = {
  picture: 'is a picture; to have its text recognized, save it as .pdf and set OCR_LANGUAGES',
  media: 'is a sound or video; load its subtitles (.srt or .vtt)',
  archive: 'is an archive; unpack it and load the folder',
}

/** Why a file that was named itself is not read, and what to do. */
export async function namedFault(path: string): Promise<string> {
  const { reason, fault } = await unknownFile(path)
  return fault ?? advice[reason] ?? unsupportedFault(path)
}

/** What to do with a file of an unknown format. */
function unsupportedFault(path: string): string {
  const extension = extname(path).toLowerCase()
  const targets = targetsOf.get(extension)?.filter(each => formatOf(`a${each}`) !== undefined) ?? []
  if (targets.length > 0) return `has an unsupported format; save it as ${targets.slice(0, 2).join(' or ')}`
  return `has an unknown format; if it is text, rename it to .txt or .md (supported extensions: ${knownEndings})`
}

const sampleBytes = 4096

/** Whether the file begins with text that can be read. */
async function isText(path: string): Promise<boolean> {
  const file = await open(path).catch(() => null)
  if (file === null) return false
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(sampleBytes), 0, sampleBytes, 0)
    const sample = buffer.subarray(0, bytesRead)
    const encoding = encodingOf(sample)
    if (bytesRead === 0 || encoding.refusal !== undefined) return false
    const text = decodedWith(encoding.name, sample) ?? sample.toString('latin1')
    return text.trim() !== '' && !/(?![\t\n\v\f\r])\p{Cc}/u.test(text)
  } catch {
    return false
  } finally {
    await file.close()
  }
}

const shown: Readonly<Record<SkipReason, readonly [one: string, more: string]>> = {
  unsupported: ['document of an unsupported format', 'documents of unsupported formats'],
  picture: ['picture', 'pictures'],
  media: ['sound or video', 'sounds and videos'],
  archive: ['archive', 'archives'],
  font: ['font', 'fonts'],
  code: ['program or settings file', 'program and settings files'],
  data: ['other file', 'other files'],
  ignored: ['ignored by .askwellignore', 'ignored by .askwellignore'],
}

/** One line: `3 pictures, 1 archive`; empty if nothing was skipped. */
export function skippedLine(counts: SkipCounts): string {
  return skipReasons
    .flatMap(reason => (counts[reason] ? [`${counts[reason]} ${shown[reason][counts[reason] === 1 ? 0 : 1]}`] : []))
    .join(', ')
}
