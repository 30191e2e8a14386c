const everyMs = 50
/** A timer that comes so late was not late by this process' own work. */
const lateMs = 250

/** Whether the machine lets processes wait: as this one is kept from running, so are those beside it. */
export function watchMachine(): { stop(): boolean } {
  let [last, isBusy] = [performance.now(), false]
  const timer = setInterval(() => {
    const now = performance.now()
    isBusy ||= now - last > everyMs + lateMs
    last = now
  }, everyMs)
  return {
    stop() {
      clearInterval(timer)
      return isBusy
    },
  }
}
