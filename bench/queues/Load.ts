/** Enqueuing at full rate, in the process that also works, with a bounded backlog. */
import { setTimeout } from "node:timers/promises"
import type { Payload } from "../Payload.ts"
import { makePayload } from "../Payload.ts"
import type { Queue } from "./Adapter.ts"

export const batchJobs = 500

/** Jobs enqueued but not done that make the producers wait: as many as are done in a second, within these bounds. */
const least = 1_000
const most = 10_000
/** Bulk calls at a time. */
const producers = 2

export const payloadsFrom = (first: number, count: number): ReadonlyArray<Payload> =>
  Array.from({ length: count }, (_, index) => makePayload(first + index))

/** A count that can be waited for. */
export class Done {
  count = 0
  #waiting: Array<{ readonly until: number; readonly resolve: () => void }> = []

  add(jobs: number): void {
    this.count += jobs
    if (this.#waiting.length === 0) return
    const reached = this.#waiting.filter(({ until }) => this.count >= until)
    if (reached.length === 0) return
    this.#waiting = this.#waiting.filter(({ until }) => this.count < until)
    for (const { resolve } of reached) resolve()
  }

  /** False if that takes longer. */
  async reach(until: number, millis: number): Promise<boolean> {
    if (this.count >= until) return true
    const reached = new AbortController()
    const inTime = new Promise<boolean>((resolve) => {
      this.#waiting.push({
        until,
        resolve: () => {
          resolve(true)
          reached.abort()
        }
      })
    })
    const late = setTimeout(millis, false, { signal: reached.signal }).catch(() => true)
    return Promise.race([inTime, late])
  }
}

/** A queue that does nothing for so long is stuck. */
const patienceMillis = 60_000

/** Throws if nothing happens any more before so many jobs are done. */
export const expectDone = async (done: Done, jobs: number): Promise<void> => {
  for (let before = -1; !(await done.reach(jobs, patienceMillis)); before = done.count) {
    if (done.count === before) throw new Error(`stuck: ${done.count} of ${jobs} jobs done`)
  }
}

/** Jobs that show that a queue has got going, and the milliseconds that a slow one is given for them. */
const warmJobs = 2_000
const warmMillis = 10_000

/** A while under load, and until a good number of jobs are done. */
export const warmUp = async (done: Done, millis: number): Promise<void> => {
  await Promise.all([setTimeout(millis), done.reach(warmJobs, warmMillis)])
}

/** What a queue does in a second, looked at every so often, within bounds. */
const roomFor = (done: Done) => {
  let room = least
  let counted = done.count
  let at = performance.now()
  return (): number => {
    const now = performance.now()
    if (now - at > 250) {
      room = Math.min(most, Math.max(least, ((done.count - counted) / (now - at)) * 1000))
      counted = done.count
      at = now
    }
    return room
  }
}

/** Enqueues jobs from number `first` on until told to stop; the answer to that is the number after the last. */
export const startLoad = (queue: Queue, done: Done, first: number) => {
  let next = first
  let isOver = false
  const room = roomFor(done)
  const produce = async (): Promise<void> => {
    while (!isOver) {
      const waiting = room()
      if (next - done.count > waiting) {
        await expectDone(done, Math.ceil(next - waiting))
        continue
      }
      const at = next
      next += batchJobs
      await queue.enqueueAll(payloadsFrom(at, batchJobs))
    }
  }
  const running = Promise.all(Array.from({ length: producers }, produce))
  // whoever stops the load hears of it
  running.catch(() => {})
  return async (): Promise<number> => {
    isOver = true
    await running
    return next
  }
}
