import { hash } from 'node:crypto'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { LoginMethod, LoginWish } from '../../config/database-url.ts'
import { AskError } from '../../errors.ts'
import { certificateHash } from './certificate-hash.ts'
import { startScram, type Scram } from './scram.ts'

export interface LoginTerms {
  readonly user: string
  readonly password: string
  readonly wish: LoginWish
}

/** Answers the server's authentication messages, in place of the driver, which knows no channel binding. */
export interface Login {
  /** Returns true if the server has let us in. Throws, or calls `onFailed`, if the login must be given up. */
  next(message: Buffer, socket: Socket): boolean
}

/** Kinds of authentication messages. */
const [ok, cleartext, md5, sasl, saslContinue, saslFinal] = [0, 3, 5, 10, 11, 12]

export function createLogin({ user, password, wish }: LoginTerms, onFailed: (error: unknown) => void): Login {
  let method: LoginMethod = 'none'
  let scram: Scram | undefined
  let isProven = false

  /** Throws what is wrong at once: the server may already have sent that it lets us in. */
  function next(message: Buffer, socket: Socket): boolean {
    const content = message.subarray(9)
    const kind = message.readUInt32BE(5)
    if (kind === ok) return accepted()
    if (kind === saslFinal) isProven = scram?.isProof(content.toString()) === true
    else if (kind === saslContinue && scram)
      scram.answer(content.toString()).then(text => socket.write(framed(Buffer.from(text))), onFailed)
    else socket.write(reply(kind, content, socket))
    return false
  }

  function reply(kind: number, content: Buffer, socket: Socket): Buffer {
    if (kind === cleartext) {
      asked('password')
      return passwordMessage(password)
    }
    if (kind === md5) {
      asked('md5')
      const inner = hash('md5', password + user)
      return passwordMessage(`md5${hash('md5', Buffer.concat([Buffer.from(inner), content.subarray(0, 4)]))}`)
    }
    if (kind === sasl) {
      asked('scram-sha-256')
      if (scram) throw refused('the server asks for a second login')
      scram = startScram(password, bindingOf(content.toString().split('\0'), socket, wish))
      const first = Buffer.from(scram.first)
      const length = Buffer.alloc(4)
      length.writeUInt32BE(first.length)
      return framed(Buffer.concat([Buffer.from(`${scram.mechanism}\0`), length, first]))
    }
    throw refused(
      'the server asks for a login that Askwell does not support, such as GSSAPI; use a password or a client certificate',
    )
  }

  function asked(by: LoginMethod): void {
    if (!wish.methods.includes(by))
      throw refused(`the server asks for the login method ${by}, which require_auth in DATABASE_URL does not allow`)
    if (by !== 'scram-sha-256' && wish.channelBinding === 'require') throw unbound(`it asks for the method ${by}`)
    method = by
  }

  function accepted(): boolean {
    if (!wish.methods.includes(method))
      throw refused('the server asked for no password, which require_auth in DATABASE_URL does not allow')
    if (wish.channelBinding === 'require' && method === 'none') throw unbound('it asked for no password')
    if (scram && !isProven)
      throw refused('the server did not prove that it knows the password; check the host in DATABASE_URL')
    return true
  }

  return { next }
}

function bindingOf(offered: readonly string[], socket: Socket, { channelBinding }: LoginWish) {
  const isRequired = channelBinding === 'require'
  if (!(socket instanceof TLSSocket)) {
    if (isRequired) throw unbound('the connection is not encrypted; set sslmode=require')
    return { kind: 'unsupported' } as const
  }
  if (channelBinding === 'disable') return { kind: 'unsupported' } as const
  if (!offered.includes('SCRAM-SHA-256-PLUS')) {
    if (isRequired) throw unbound('it does not offer SCRAM-SHA-256-PLUS')
    return { kind: 'unoffered' } as const
  }
  const data = certificateHash(socket.getPeerCertificate(true).raw)
  if (data !== null) return { kind: 'bound', data } as const
  if (isRequired) throw unbound('it is not defined for the kind of signature of its certificate')
  return { kind: 'unsupported' } as const
}

function passwordMessage(text: string): Buffer {
  return framed(Buffer.from(`${text}\0`))
}

function framed(content: Buffer): Buffer {
  const head = Buffer.from([0x70, 0, 0, 0, 0]) // p
  head.writeUInt32BE(content.length + 4, 1)
  return Buffer.concat([head, content])
}

function unbound(reason: string): AskError {
  return refused(
    `channel_binding=require in DATABASE_URL, but the server cannot bind the login to the connection: ${reason}; or set channel_binding=prefer`,
  )
}

function refused(detail: string): AskError {
  return new AskError('database_unavailable', { detail })
}
