/** A server-sent event: the data of its lines, joined. `name` is empty where the server gave none. */
export interface ServerEvent {
  readonly name: string
  readonly data: string
}

export interface ServerEventParser {
  /** Returns the events that this text completes. */
  push(text: string): ServerEvent[]
  /** Returns the last event, if its blank line is missing. It may have been cut off. */
  end(): ServerEvent | null
  /** Length of what was read of an incomplete event, in characters. */
  pending(): number
}

/**
 * Parses server-sent events as the HTML standard defines them: lines end in LF, CR or CRLF, and a blank line ends an
 * event. Comments (`: ping`) and unknown fields are ignored. `error` counts as the data of an event of that name: older
 * servers of llama.cpp report failures in such a field.
 */
export function createServerEventParser(): ServerEventParser {
  let unread = ''
  let endedInCr = false
  let name = ''
  let data: string[] = []
  let dataLength = 0

  function push(text: string): ServerEvent[] {
    if (text === '') return []
    // A CRLF that two pieces share is one line end.
    const rest = endedInCr && text.startsWith('\n') ? text.slice(1) : text
    endedInCr = text.endsWith('\r')
    // A line that arrives in many pieces is split only when its end has arrived.
    if (!/[\r\n]/.test(rest)) {
      unread += rest
      return []
    }
    const lines = (unread + rest).split(/\r\n|\r|\n/)
    unread = lines.pop() ?? ''
    return lines.flatMap(line => take(line) ?? [])
  }

  function take(line: string): ServerEvent | null {
    if (line.trim() === '') return dispatch()
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).trim()
    if (field === 'event') name = value
    if (field === 'error') name = 'error'
    if (field === 'data' || field === 'error') {
      data.push(value)
      dataLength += value.length + 1
    }
    return null
  }

  function dispatch(): ServerEvent | null {
    const event = data.length === 0 ? null : { name, data: data.join('\n') }
    name = ''
    data = []
    dataLength = 0
    return event
  }

  return {
    push,
    end() {
      const line = unread
      unread = ''
      return (line === '' ? null : take(line)) ?? dispatch()
    },
    pending: () => unread.length + dataLength,
  }
}
