import { UnreadableError, type Content } from './content.ts'
import { readHtml } from './html.ts'

const styleMap = ["p[style-name='Title'] => h1:fresh", "p[style-name='Subtitle'] => p:fresh"].join('\n')

/** Reads a Word document by converting it to HTML, with headings from the paragraph styles. */
export async function readDocx(bytes: Buffer): Promise<Content> {
  // Imported on demand, because most documents are not Word and the library takes 20 MB.
  const { default: mammoth } = await import('mammoth')
  // Images would become megabytes of base64; only their alternative text is useful.
  const convertImage = mammoth.images.imgElement(async () => ({ src: '' }))
  try {
    const { value } = await mammoth.convertToHtml({ buffer: bytes }, { convertImage, styleMap })
    return readHtml(value)
  } catch (error) {
    throw new UnreadableError('is damaged or not a Word document (.docx)', { cause: error })
  }
}
