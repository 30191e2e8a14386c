export interface SseEvent {
  readonly event: string
  // As with a reply's JSON: a wrong guess is a failing test.
  readonly data: any // eslint-disable-line
}

/** The events of a whole stream; comments (heartbeats) are left out. */
export function sseEvents(text: string): SseEvent[] {
  return text
    .split('\n\n')
    .filter(frame => frame.startsWith('event: '))
    .map(frame => {
      const [event = '', data = ''] = frame.split('\n')
      return { event: event.slice('event: '.length), data: JSON.parse(data.slice('data: '.length)) }
    })
}
