import type { Address, Email } from 'postal-mime'
import type { Block } from '../compose.ts'
import { metadataOf, UnreadableError, type Content, type Metadata } from '../content.ts'
import { readHtml } from '../html/html.ts'
import { mailText } from './mail-text.ts'
import { isTooDeep } from '../too-deep.ts'

export interface Mail {
  /** Message id without brackets. */
  readonly id: string | undefined
  readonly content: Content
  readonly attachments: readonly MailAttachment[]
}

export interface MailAttachment {
  readonly name: string
  readonly bytes: Buffer
}

/** Parts of one message within each other, and messages within messages. */
const limits = { maxNestingDepth: 50, maxHeadersSize: 2 ** 20, maxRfc822NestingDepth: 5 }

/** Reads a mail: a line with sender, receivers and date, and its text. The subject is the title. */
export async function readMail(bytes: Buffer): Promise<Mail> {
  const email = await parsed(bytes)
  const kind = email.headers.find(({ key }) => key === 'content-type')?.value ?? ''
  const locked = lockedBy(kind, email.text ?? '')
  if (locked !== null) throw new UnreadableError(locked)
  const body = bodyOf(email)
  const { head, metadata } = headOf(email)
  return {
    id: email.messageId?.replace(/^\s*<|>\s*$/g, ''),
    content: {
      title: email.subject?.trim(),
      blocks: body.length === 0 ? [] : [{ kind: 'text', text: head }, ...body],
      metadata,
    },
    attachments: attachmentsOf(email),
  }
}

function headOf(email: Email): { head: string; metadata: Metadata } {
  const isDated = email.date !== undefined && !Number.isNaN(Date.parse(email.date))
  const date = isDated ? new Date(email.date!).toISOString() : ''
  const from = named(email.from === undefined ? [] : [email.from])
  const to = named([...(email.to ?? []), ...(email.cc ?? [])])
  const lines = [from && `From: ${from}`, to && `To: ${to}`, date && `Date: ${date.slice(0, 10)}`]
  const metadata = metadataOf(Object.entries({ from, to, date }))
  return { head: lines.filter(line => line !== '').join('\n'), metadata }
}

async function parsed(bytes: Buffer): Promise<Email> {
  // Imported on demand, because most documents are not mails.
  const { default: PostalMime } = await import('postal-mime')
  try {
    const email = await PostalMime.parse(bytes, { ...limits, attachmentEncoding: 'arraybuffer' })
    const isMail = email.headers.some(({ key }) => /^(?:from|to|date|subject|message-id|received)$/.test(key))
    if (!isMail) throw new Error('no header of a mail')
    return email
  } catch (error) {
    if (isTooDeep(error) || (error instanceof Error && /nesting depth/i.test(error.message)))
      throw new RangeError('nested too deeply', { cause: error })
    throw new UnreadableError('is damaged or not a mail', { cause: error })
  }
}

/** Why the text cannot be read, or null. */
function lockedBy(contentType: string, text: string): string | null {
  const isPgp = /^multipart\/encrypted/i.test(contentType) || /^\s*-----BEGIN PGP MESSAGE-----/.test(text)
  if (isPgp) return 'is encrypted (PGP); save it decrypted'
  if (!/^application\/(?:x-)?pkcs7-mime/i.test(contentType)) return null
  return /smime-type="?signed-data/i.test(contentType)
    ? 'is signed in a form that wraps its text (S/MIME); save it without the signature'
    : 'is encrypted (S/MIME); save it decrypted'
}

/** The plain text if there is one, because the HTML is often laid out with tables; not if the HTML has a real table. */
function bodyOf({ text = '', html = '' }: Email): readonly Block[] {
  if (text.trim() !== '' && !hasTable(html)) return mailText(text)
  const blocks = html === '' ? [] : readHtml(html).blocks.filter(block => block.text.trim() !== '')
  return blocks.length > 0 ? blocks.map(withoutLevel) : mailText(text)
}

/** A heading in a mail is not the title of the mail. */
function withoutLevel(block: Block): Block {
  return block.kind === 'heading' ? { ...block, level: Math.max(2, block.level) } : block
}

/** Whether a table without tables inside has two rows of two cells. */
function hasTable(html: string): boolean {
  return html
    .split(/<table\b/i)
    .slice(1)
    .some(part => {
      const inside = part.split(/<\/table\b/i, 1)[0]!
      const rows = inside.split(/<tr\b/i).slice(1)
      return rows.length > 1 && rows.every(row => row.split(/<t[dh]\b/i).length > 2)
    })
}

const mostNames = 20

function named(addresses: readonly Address[]): string {
  const all = addresses.flatMap(address => address.group ?? [address])
  const names = all
    .slice(0, mostNames)
    .map(({ name, address }) => (name && address ? `${name} <${address}>` : name || address))
  return names.join(', ') + (all.length > mostNames ? ` and ${all.length - mostNames} more` : '')
}

/** Without pictures in the text, signatures and keys. */
function attachmentsOf({ attachments }: Email): MailAttachment[] {
  return attachments
    .filter(({ mimeType }) => !/^(?:image\/|application\/(?:x-)?(?:pkcs7|pgp)-(?:signature|keys))/i.test(mimeType))
    .map(({ filename, mimeType, content }, i) => ({
      name: filename ?? `attachment-${i + 1}${mimeType === 'message/rfc822' ? '.eml' : ''}`,
      bytes: typeof content === 'string' ? Buffer.from(content) : Buffer.from(content as ArrayBuffer),
    }))
}
