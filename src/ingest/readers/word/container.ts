import { UnreadableError } from '../content.ts'
import { isTooDeep } from '../too-deep.ts'

const oleMagic = Buffer.from('d0cf11e0a1b11ae1', 'hex')

/**
 * Throws if the bytes are an OLE container: Office puts an encrypted document into one, and its old formats are such
 * containers.
 */
export function refuseOle(bytes: Buffer, extension: string): void {
  if (!bytes.subarray(0, 8).equals(oleMagic)) return
  if (bytes.includes(Buffer.from('EncryptedPackage', 'utf16le'))) throw protectedError()
  throw new UnreadableError(`is in an old format of Office (such as .doc); open it and save it as ${extension}`)
}

export function protectedError(): UnreadableError {
  return new UnreadableError('is protected by a password; remove it first')
}

/** The error to throw if reading failed: faults that are worded for the user stay. */
export function asUnreadable(error: unknown, format: string): Error {
  if (error instanceof UnreadableError) return error
  if (error instanceof Error && isTooDeep(error)) return error
  return new UnreadableError(`is damaged or not ${format}`, { cause: error })
}
