import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'

export interface Traffic {
  /** Bytes that came, and bytes that wait to be sent: where both sides are heard, one of them changes. */
  readonly read: number
  readonly unsent: number
  /** Something was asked that the server has not said the last word about. */
  readonly isAwaited: boolean
}

/** What postgres.js makes of its socket; it may be used from the start, and after the end. */
export interface Line extends EventEmitter {
  readonly readyState: 'opening' | 'open' | 'closed'
  readonly traffic: Traffic
  write(data: Uint8Array, done?: () => void): boolean
  end(data?: Uint8Array): void
  destroy(error?: Error): void
  pause(): void
  resume(): void
  setKeepAlive(): void
  /** Tells the driver that the line is closed. Only when it has ended its connection: see {@link openLine}. */
  finish(): void
}

/**
 * A line to the server that the driver cannot fall over. postgres.js drops its socket at the event `close` and writes on
 * (`nextWrite`), to null: an exception that nobody can catch. So the event is kept from it: a lost line is told as an
 * `error`, by which it rejects what is under way, and what is written afterwards is swallowed and rejected in the same way,
 * until `onLost` has ended the driver's connection and calls `finish`. Written before the line is open, it waits.
 */
export function openLine(open: (signal: AbortSignal) => Promise<Socket>, onLost: (line: Line) => void): Line {
  return new GuardedLine(open, onLost)
}

class GuardedLine extends EventEmitter implements Line {
  #socket: Socket | undefined
  #early: { data: Uint8Array; done: (() => void) | undefined }[] = []
  #lost: Error | undefined
  #reason: Error | undefined
  #isAwaited = false
  #lastBytes: Uint8Array = Buffer.alloc(0)
  #isEnded = false
  #isFinished = false
  readonly #dialing = new AbortController()
  readonly #onLost: (line: Line) => void

  constructor(open: (signal: AbortSignal) => Promise<Socket>, onLost: (line: Line) => void) {
    super()
    this.#onLost = onLost
    // Not at once: the driver listens a moment after it has the line.
    const fail = (error: unknown) => void setImmediate(() => this.#lose(this.#reason ?? asError(error)))
    open(this.#dialing.signal).then(socket => this.#begin(socket), fail)
  }

  get readyState() {
    if (this.#lost) return 'closed'
    return this.#socket ? 'open' : 'opening'
  }

  get traffic() {
    return { read: this.#socket?.bytesRead ?? 0, unsent: this.#socket?.writableLength ?? 0, isAwaited: this.#isAwaited }
  }

  write(data: Uint8Array, done?: () => void): boolean {
    if (this.#lost) return this.#refuse(done)
    this.#isAwaited = true
    if (this.#socket) return this.#socket.write(data, done)
    this.#early.push({ data, done })
    return true
  }

  /** After this the driver writes no more and takes no more queries: it may be told of the close. */
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

  /** Done where the socket is opened. */
  setKeepAlive(): void {}

  finish(): void {
    if (this.#isFinished) return
    this.#isFinished = true
    this.emit('close', true)
  }

  #begin(socket: Socket): void {
    if (this.#dialing.signal.aborted) socket.destroy()
    this.#socket = socket
    socket.on('error', error => void (this.#reason ??= error))
    socket.on('close', () => this.#lose(this.#reason ?? closed()))
    socket.on('drain', () => this.emit('drain'))
    socket.on('data', data => this.#hear(data))
    for (const { data, done } of this.#early.splice(0)) socket.write(data, done)
    socket.resume()
  }

  /** Something that is not Postgres may say what the driver does not expect. */
  #hear(data: Uint8Array): void {
    this.#lastBytes = Buffer.concat([this.#lastBytes, data.subarray(-ready.length - 1)]).subarray(-ready.length - 1)
    this.#isAwaited = !isReady(this.#lastBytes)
    try {
      this.emit('data', data)
    } catch (error) {
      this.destroy(asError(error))
    }
  }

  #lose(error: Error): void {
    if (this.#lost) return
    this.#lost = error
    this.#early = []
    if (this.#isEnded) this.finish()
    else this.#reject()
    this.#onLost(this)
  }

  #refuse(done: (() => void) | undefined): true {
    if (done) queueMicrotask(done)
    // The driver may be in the middle of handing the query over.
    setImmediate(() => this.#reject())
    return true
  }

  #reject(): void {
    if (!this.#isFinished && this.listenerCount('error') > 0) this.emit('error', this.#lost)
  }
}

/** `ReadyForQuery`, the last word of an answer, but for its last byte: in a transaction or not. */
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
