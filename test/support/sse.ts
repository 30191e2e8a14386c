export interface SseEvent {
  readonly event: string
  // Untyped on purpose, like the JSON of a reply.
  readonly data: any // eslint-disable-line
}

/** The events of a whole stream, without comments (heartbeats). */
export function sseEvents(text: string): SseEvent[] {
  return text
    .split('\n\n')
    .filter(frame => frame.startsWith('event: '))
    .map(frame => {
      const [event = '', data = ''] = frame.split('\n')
      return { event: event.slice('event: '.length), data: JSON.parse(data.slice('data: '.length)) }
    })
}
