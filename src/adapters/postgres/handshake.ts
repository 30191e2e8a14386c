import type { Socket } from 'node:net'
import { AskError, isAskError } from '../../errors.ts'
import { createLogin, type LoginTerms } from './login.ts'

/** The start of a connection, between the driver's first message and the first that it may send a query. */
export interface Handshake {
  /** Takes what the server sent; returns what the driver should get. */
  receive(data: Buffer, socket: Socket): Buffer
}

export interface HandshakeTerms extends LoginTerms {
  /** SQL that prepares the session; null for none. */
  readonly preparation: string | null
  readonly onFailed: (error: unknown) => void
}

type Stage = 'login' | 'starting' | 'preparing' | 'over'

/** Types of messages. */
const [authentication, error, negotiation, notice, parameter, ready] = [...'REvNSZ'].map(each => each.charCodeAt(0))
/** Not `ready` above all: on it the driver would send queries to a server that has not passed the login. */
const beforeLogin: ReadonlySet<number | undefined> = new Set([error, negotiation, notice])
const nothing = Buffer.alloc(0)
/** No message of a handshake is nearly as long. */
const longest = 1 << 20

/**
 * Logs in and prepares the session before the driver knows that the connection is ready, so that every statement meets the
 * same settings and an error of either is the error of the connection.
 */
export function createHandshake({ preparation, onFailed, ...terms }: HandshakeTerms): Handshake {
  let pending: Buffer = nothing
  let stage = 'login' as Stage
  // Whatever else fails comes of what the server sent.
  const fail = (failure: unknown) => onFailed(isAskError(failure) ? failure : notPostgres(failure))
  const login = createLogin(terms, fail)
  const isOver = () => stage === 'over'

  /** Returns whether the message is for the driver. */
  function handle(message: Buffer, socket: Socket): boolean {
    const type = message[0]
    if (stage === 'login' && type === authentication) {
      if (!login.next(message, socket)) return false
      stage = preparation === null ? 'over' : 'starting'
    } else if (stage === 'login') {
      if (!beforeLogin.has(type)) throw notPostgres()
    } else if (stage === 'starting' && type === ready && preparation !== null) {
      stage = 'preparing'
      socket.write(queryMessage(preparation))
      return false
    } else if (stage === 'preparing') {
      if (type === error) throw unprepared(message)
      if (type === ready) stage = 'over'
      else return type === parameter || type === notice
    }
    return true
  }

  function receive(data: Buffer, socket: Socket): Buffer {
    if (isOver()) return data
    pending = pending.length === 0 ? data : Buffer.concat([pending, data])
    const forDriver: Buffer[] = []
    try {
      while (!isOver() && hasMessage(pending)) {
        const message = pending.subarray(0, pending.readUInt32BE(1) + 1)
        pending = pending.subarray(message.length)
        if (handle(message, socket)) forDriver.push(message)
      }
    } catch (failure) {
      fail(failure)
    }
    return Buffer.concat(isOver() ? [...forDriver, pending] : forDriver)
  }

  return { receive }
}

function hasMessage(data: Buffer): boolean {
  if (data.length < 5) return false
  const length = data.readUInt32BE(1)
  if (length < 4 || length > longest) throw notPostgres()
  return data.length > length
}

function queryMessage(text: string): Buffer {
  const content = Buffer.from(`Q\0\0\0\0${text}\0`)
  content.writeUInt32BE(content.length - 1, 1)
  return content
}

function notPostgres(cause?: unknown): Error {
  return Object.assign(new Error('the server does not speak the protocol of Postgres; check DATABASE_URL', { cause }), {
    code: 'ECONNRESET',
  })
}

/** Fields of an error are a letter and a text each; M is the message. */
function unprepared(message: Buffer): AskError {
  const text = message
    .subarray(5)
    .toString()
    .split('\0')
    .find(field => field.startsWith('M'))
  return new AskError('database_unavailable', {
    detail: `Postgres rejected the settings that Askwell needs: ${text?.slice(1) ?? 'no reason given'}`,
  })
}
