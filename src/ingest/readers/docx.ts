import { UnreadableError, type Content } from './content.ts'
import { readHtml } from './html.ts'

const styleMap = ["p[style-name='Title'] => h1:fresh", "p[style-name='Subtitle'] => p:fresh"].join('\n')

/** A Word document, by way of HTML: headings from the paragraph styles. */
export async function readDocx(bytes: Buffer): Promise<Content> {
  // Imported when it is wanted: most documents are none, and it takes 20 MB.
  const { default: mammoth } = await import('mammoth')
  // Pictures would become megabytes of base64; only their description is text.
  const convertImage = mammoth.images.imgElement(async () => ({ src: '' }))
  try {
    const { value } = await mammoth.convertToHtml({ buffer: bytes }, { convertImage, styleMap })
    return readHtml(value)
  } catch (error) {
    throw new UnreadableError('is not a Word document (.docx), or is damaged', { cause: error })
  }
}
