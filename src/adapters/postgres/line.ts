import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import type { Handshake } from './handshake.ts'

export interface Traffic {
  /** Bytes received, and bytes waiting to be sent: while both sides are reachable, one of the two changes. */
  readonly read: number
  readonly unsent: number
  /** Whether a request was sent whose reply is incomplete. */
  readonly isAwaited: boolean
}

/** The parts of a socket that postgres.js uses. May be used from the start and after the end. */
export interface Line extends EventEmitter {
  readonly readyState: 'opening' | 'open' | 'closed'
  readonly traffic: Traffic
  write(data: Uint8Array, done?: () => void): boolean
  end(data?: Uint8Array): void
  destroy(error?: Error): void
  pause(): void
  resume(): void
  setKeepAlive(): void
  /** Emits `close` to the driver. Call it only after the driver has ended its connection: see {@link openLine}. */
  finish(): void
}

/**
 * A socket that the driver can survive losing. postgres.js drops its socket on `close` and then writes to null
 * (`nextWrite`), an exception that cannot be caught. So `close` is withheld from it: a lost line is reported as an
 * `error`, on which the driver rejects its current work. Later writes are discarded and rejected the same way, until
 * `onLost` has ended the driver's connection and calls `finish`. Writes before the line is open are buffered.
 */
export function openLine(
  open: (signal: AbortSignal) => Promise<Socket>,
  onLost: (line: Line) => void,
  handshake?: Handshake,
): Line {
  return new GuardedLine(open, onLost, handshake)
}

class GuardedLine extends EventEmitter implements Line {
  #socket: Socket | undefined
  #buffered: { data: Uint8Array; done: (() => void) | undefined }[] = []
  #lost: Error | undefined
  #reason: Error | undefined
  #isAwaited = false
  #lastBytes: Uint8Array = Buffer.alloc(0)
  #isEnded = false
  #isFinished = false
  readonly #dialing = new AbortController()
  readonly #onLost: (line: Line) => void
  readonly #handshake: Handshake | undefined

  constructor(
    open: (signal: AbortSignal) => Promise<Socket>,
    onLost: (line: Line) => void,
    handshake: Handshake | undefined,
  ) {
    super()
    this.#onLost = onLost
    this.#handshake = handshake
    // Deferred because the driver adds its listeners shortly after it gets the line.
    const fail = (error: unknown) => void setImmediate(() => this.#onClosed(this.#reason ?? asError(error)))
    open(this.#dialing.signal).then(socket => this.#attach(socket), fail)
  }

  get readyState() {
    if (this.#lost) return 'closed'
    return this.#socket ? 'open' : 'opening'
  }

  get traffic() {
    return { read: this.#socket?.bytesRead ?? 0, unsent: this.#socket?.writableLength ?? 0, isAwaited: this.#isAwaited }
  }

  write(data: Uint8Array, done?: () => void): boolean {
    if (this.#lost) return this.#discardWrite(done)
    this.#isAwaited = true
    if (this.#socket) return this.#socket.write(data, done)
    this.#buffered.push({ data, done })
    return true
  }

  /** After this the driver writes nothing more and takes no queries, so `close` may be emitted. */
  end(data?: Uint8Array): void {
    this.#isEnded = true
    if (this.#lost) return this.finish()
    if (!this.#socket) return this.destroy()
    if (data) this.#socket.end(data)
    else this.#socket.end()
  }

  destroy(error?: Error): void {
    this.#reason ??= error
    this.#dialing.abort(error)
    this.#socket?.destroy()
  }

  pause(): void {
    this.#socket?.pause()
  }

  resume(): void {
    this.#socket?.resume()
  }

  /** Set when the socket is opened. */
  setKeepAlive(): void {}

  finish(): void {
    if (this.#isFinished) return
    this.#isFinished = true
    this.emit('close', true)
  }

  #attach(socket: Socket): void {
    if (this.#dialing.signal.aborted) socket.destroy()
    this.#socket = socket
    socket.on('error', error => void (this.#reason ??= error))
    socket.on('close', () => this.#onClosed(this.#reason ?? closed()))
    socket.on('drain', () => this.emit('drain'))
    socket.on('data', data => this.#receive(this.#handshake ? this.#handshake.receive(data, socket) : data))
    for (const { data, done } of this.#buffered.splice(0)) socket.write(data, done)
    socket.resume()
  }

  /** A server that is not Postgres may send what the driver does not expect. */
  #receive(data: Uint8Array): void {
    if (data.length === 0) return
    this.#lastBytes = Buffer.concat([this.#lastBytes, data.subarray(-ready.length - 1)]).subarray(-ready.length - 1)
    this.#isAwaited = !isReady(this.#lastBytes)
    try {
      this.emit('data', data)
    } catch (error) {
      this.destroy(asError(error))
    }
  }

  #onClosed(error: Error): void {
    if (this.#lost) return
    this.#lost = error
    this.#buffered = []
    if (this.#isEnded) this.finish()
    else this.#emitError()
    this.#onLost(this)
  }

  #discardWrite(done: (() => void) | undefined): true {
    if (done) queueMicrotask(done)
    // The driver may still be submitting the query.
    setImmediate(() => this.#emitError())
    return true
  }

  #emitError(): void {
    if (!this.#isFinished && this.listenerCount('error') > 0) this.emit('error', this.#lost)
  }
}

/** `ReadyForQuery`, the last message of a reply, without its last byte, the transaction status. */
const ready = Buffer.from([0x5a, 0, 0, 0, 5])

function isReady(bytes: Uint8Array): boolean {
  return bytes.length === ready.length + 1 && ready.equals(bytes.subarray(0, ready.length))
}

function closed(): Error {
  return Object.assign(new Error('the database closed the connection'), { code: 'CONNECTION_CLOSED' })
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
