import { createHmac, hash, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { AskError } from '../../errors.ts'
import { saslPrepared } from './saslprep.ts'

/** SCRAM-SHA-256 (RFC 5802, RFC 7677), the client's side. */
export interface Scram {
  readonly mechanism: 'SCRAM-SHA-256' | 'SCRAM-SHA-256-PLUS'
  readonly first: string
  /** The reply to the server's first message. */
  answer(serverFirst: string): Promise<string>
  /** Whether the server's last message proves that it knows the password. */
  isProof(serverFinal: string): boolean
}

/**
 * - `bound`: the TLS connection is part of the proof, so that nobody in the middle can pass it on.
 * - `unoffered`: we could have done that, but the server does not offer it. If it does, an attacker has removed the offer,
 *   and the server rejects the login.
 * - `unsupported`: no TLS, or channel_binding=disable.
 */
export type Binding = { readonly kind: 'bound'; readonly data: Buffer } | { readonly kind: 'unoffered' | 'unsupported' }

/**
 * Less than a second of work, which cannot be interrupted: a server that names billions would occupy the threads that
 * also read files and look up hosts, and the process could not exit.
 */
const mostIterations = 1_000_000

const headers = { bound: 'p=tls-server-end-point,,', unoffered: 'y,,', unsupported: 'n,,' } as const

export function startScram(password: string, binding: Binding): Scram {
  const nonce = randomBytes(18).toString('base64')
  // Postgres takes the user from the startup message.
  const bare = `n=*,r=${nonce}`
  const header = headers[binding.kind]
  let serverSignature: Buffer | undefined
  let isAnswered = false

  async function answer(serverFirst: string): Promise<string> {
    const { r = '', s = '', i = '' } = attributes(serverFirst)
    if (isAnswered || !r.startsWith(nonce) || r === nonce || s === '' || !/^[1-9]\d*$/.test(i))
      throw new Error('the server sent an invalid SCRAM message')
    isAnswered = true
    if (Number(i) > mostIterations)
      throw new AskError('database_unavailable', {
        detail: `the server asks for ${i} SCRAM iterations, and Askwell accepts at most ${mostIterations}; check the host in DATABASE_URL, or lower scram_iterations there and set the password again`,
      })
    const salted = await promisify(pbkdf2)(saslPrepared(password), Buffer.from(s, 'base64'), Number(i), 32, 'sha256')
    const bound = Buffer.concat([Buffer.from(header), ...(binding.kind === 'bound' ? [binding.data] : [])])
    const withoutProof = `c=${bound.toString('base64')},r=${r}`
    const signed = `${bare},${serverFirst},${withoutProof}`
    const clientKey = hmac(salted, 'Client Key')
    const signature = hmac(hash('sha256', clientKey, 'buffer'), signed)
    serverSignature = hmac(hmac(salted, 'Server Key'), signed)
    const proof = Buffer.from(clientKey.map((byte, at) => byte ^ signature[at]!))
    return `${withoutProof},p=${proof.toString('base64')}`
  }

  function isProof(serverFinal: string): boolean {
    const given = Buffer.from(attributes(serverFinal)['v'] ?? '', 'base64')
    return given.length === serverSignature?.length && timingSafeEqual(given, serverSignature)
  }

  return {
    mechanism: binding.kind === 'bound' ? 'SCRAM-SHA-256-PLUS' : 'SCRAM-SHA-256',
    first: header + bare,
    answer,
    isProof,
  }
}

function attributes(message: string): Readonly<Record<string, string>> {
  return Object.fromEntries(message.split(',').map(each => [each[0] ?? '', each.slice(2)]))
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
