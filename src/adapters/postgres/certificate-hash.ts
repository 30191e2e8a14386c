import { hash } from 'node:crypto'

/** Hash of the signature algorithm, by the OID in hexadecimal. MD5 and SHA-1 are replaced by SHA-256 (RFC 5929). */
const hashes: Readonly<Record<string, string>> = {
  '2a864886f70d010104': 'sha256', // md5WithRSAEncryption
  '2a864886f70d010105': 'sha256', // sha1WithRSAEncryption
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2a864886f70d01010e': 'sha224',
  '2a8648ce3d0401': 'sha256', // ecdsa-with-SHA1
  '2a8648ce3d040301': 'sha224',
  '2a8648ce3d040302': 'sha256',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
}

/** RSASSA-PSS names its hash in its parameters. */
const pss = '2a864886f70d01010a'
const pssHashes = [
  ['608648016503040201', 'sha256'],
  ['608648016503040202', 'sha384'],
  ['608648016503040203', 'sha512'],
] as const

/**
 * The channel binding data `tls-server-end-point` (RFC 5929) of a certificate in DER. Null when it is not defined for the
 * signature algorithm, such as Ed25519.
 */
export function certificateHash(der: Buffer): Buffer | null {
  const { start } = element(der, 0) // Certificate
  const { end } = element(der, start) // tbsCertificate
  const algorithm = element(der, end)
  const oid = element(der, algorithm.start)
  const name = der.subarray(oid.start, oid.end).toString('hex')
  const parameters = der.subarray(oid.end, algorithm.end).toString('hex')
  const method = name === pss ? (pssHashes.find(([id]) => parameters.includes(id))?.[1] ?? 'sha256') : hashes[name]
  return method === undefined ? null : hash(method, der, 'buffer')
}

/** Where the content of the DER element at `at` starts and ends. */
function element(der: Buffer, at: number): { readonly start: number; readonly end: number } {
  const first = der.readUInt8(at + 1)
  if (first < 0x80) return { start: at + 2, end: at + 2 + first }
  const size = first & 0x7f
  const start = at + 2 + size
  return { start, end: start + der.readUIntBE(at + 2, size) }
}
