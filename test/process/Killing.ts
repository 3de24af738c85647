/** Kills worker processes at random moments, and holds the log to what it acknowledged. */
import { setTimeout as sleep } from "node:timers/promises"
import * as Effect from "effect/Effect"
import * as FileLog from "../../src/backends/file/FileLog.ts"
import type { JobView } from "../../src/log/JobLog.ts"
import type { JobQueue } from "../../src/scheduler/JobQueue.ts"
import { make as makeQueue } from "../../src/scheduler/JobQueue.ts"
import * as Child from "./Child.ts"
import { followUpId, kindOf, type Message } from "./Workload.ts"

export interface Report {
  readonly kills: number
  readonly enqueued: number
  readonly completed: number
  readonly runs: number
  /** Runs beyond the attempts that the handlers asked for: the price of the kills. */
  readonly repeated: number
  readonly violations: ReadonlyArray<string>
}

/** What the parent knows: only what it was told before the kill. */
class Oracle {
  readonly violations: Array<string> = []
  readonly asked = new Map<string, number>()
  readonly acknowledged = new Set<string>()
  /** Acknowledged ends, with their state. */
  readonly ended = new Map<string, string>()
  readonly runs = new Map<string, number>()
  private readonly lastToken = new Map<string, number>()
  private readonly lastDelivery = new Map<string, number>()
  private greatestToken = 0
  private greatestBefore = 0

  /** A new process has begun. */
  restarted(): void {
    this.greatestBefore = this.greatestToken
  }

  hear(message: Message): void {
    switch (message._tag) {
      case "Enqueueing":
        for (const { id, n } of message.jobs) this.asked.set(id, n)
        return
      case "Enqueued":
        for (const id of message.ids) this.acknowledged.add(id)
        return
      case "Run":
        return this.run(message)
      case "Settled":
        if (message.state === "Completed" || message.state === "DeadLettered") {
          if (this.ended.has(message.id)) this.violations.push(`${message.id} ended twice`)
          this.ended.set(message.id, message.state)
        }
        return
      case "Refused":
      case "LeaseLost":
        this.violations.push(`a sole owner was told ${JSON.stringify(message)}`)
        return
      default:
    }
  }

  /** What is to be enqueued again, since nobody knows. */
  unknown(): ReadonlyArray<{ readonly id: string; readonly n: number }> {
    return [...this.asked].filter(([id]) => !this.acknowledged.has(id)).map(([id, n]) => ({ id, n }))
  }

  private run({ attempt, delivery, id, token }: Extract<Message, { readonly _tag: "Run" }>): void {
    const say = (what: string): void => void this.violations.push(`${id} (token ${token}): ${what}`)
    this.runs.set(id, (this.runs.get(id) ?? 0) + 1)
    if (this.ended.has(id)) say(`runs after its acknowledged end as ${this.ended.get(id)}`)
    if (token <= (this.lastToken.get(id) ?? 0)) say(`token not above ${this.lastToken.get(id)}`)
    if (token <= this.greatestBefore) say(`token of an earlier process, which had reached ${this.greatestBefore}`)
    if (delivery <= (this.lastDelivery.get(id) ?? 0)) say(`delivery ${delivery} came before`)
    if (attempt > delivery) say(`attempt ${attempt} of delivery ${delivery}`)
    this.lastToken.set(id, token)
    this.lastDelivery.set(id, delivery)
    this.greatestToken = Math.max(this.greatestToken, token)
  }

  /** Holds the log's final state to everything that was heard. */
  judge(views: ReadonlyMap<string, JobView>): void {
    const say = (what: string): void => void this.violations.push(what)
    for (const id of this.acknowledged) if (!views.has(id)) say(`acknowledged ${id} is lost`)
    for (const [id, state] of this.ended) {
      const found = views.get(id)?.state
      if (found !== state) say(`${id} was acknowledged as ${state} and is ${found ?? "gone"}`)
    }
    for (const [id, view] of views) {
      const n = this.asked.get(id)
      const parent = n === undefined ? [...id].with(0, "0").join("") : undefined
      const expected = n !== undefined && kindOf(n) === "hopeless" ? "DeadLettered" : "Completed"
      if (view.state !== expected) say(`${id} (${n}) is ${view.state}: ${view.cause?.message ?? ""}`)
      if (parent !== undefined && views.get(parent)?.state !== "Completed") say(`${id} exists without its parent`)
      if (n !== undefined && kindOf(n) === "parent" && !views.has(followUpId(id))) say(`${id} has no follow-up`)
      if (view.deliveries > view.maxDeliveries) say(`${id} was delivered ${view.deliveries} times`)
      if (view.attempts > view.maxAttempts) say(`${id} had ${view.attempts} attempts`)
      if ((this.runs.get(id) ?? 0) > view.deliveries) say(`${id} ran more often than it was delivered`)
    }
  }
}

export const readAll = (directory: string): Promise<ReadonlyMap<string, JobView>> =>
  Effect.gen(function* () {
    const queue: JobQueue["Service"] = makeQueue(yield* FileLog.make({ directory }))
    const views = new Map<string, JobView>()
    let after: string | undefined
    do {
      const page: { readonly jobs: ReadonlyArray<JobView>; readonly next: string | undefined } = yield* queue.list({
        after,
        limit: 1_000
      })
      for (const job of page.jobs) views.set(job.id, job)
      after = page.next
    } while (after !== undefined)
    return views
  }).pipe(Effect.scoped, Effect.runPromise)

export interface Options {
  readonly directory: string
  /** Enough when it answers false; it is asked before each kill. */
  readonly goOn: (kills: number) => boolean
  /** Of [0, 1). */
  readonly random: () => number
  /** Longest life of a process after its first word, milliseconds. */
  readonly life: number
  /** The word from which that life counts; default the first. */
  readonly since?: ((message: Message) => boolean) | undefined
  readonly onKill?: ((kills: number) => void) | undefined
}

/** Enqueues and works in processes that are killed with SIGKILL, then lets one finish, and judges. */
export const run = async (options: Options): Promise<Report> => {
  const oracle = new Oracle()
  let kills = 0
  let from = 0
  const startWorker = (last: boolean) => {
    oracle.restarted()
    const argument = { directory: options.directory, from, repeat: oracle.unknown(), last, most: 1_500 }
    return Child.start("worker.ts", argument, (message) => {
      oracle.hear(message)
      if (message._tag === "Enqueueing") for (const { n } of message.jobs) from = Math.max(from, n + 1)
    })
  }
  while (options.goOn(kills)) {
    const child = startWorker(false)
    await child.until(options.since ?? (() => true))
    await sleep(options.random() ** 2 * options.life)
    child.process.kill("SIGKILL")
    const { signal } = await child.exit
    if (signal !== "SIGKILL") oracle.violations.push(`a worker ended by itself (${signal})`)
    kills++
    options.onKill?.(kills)
  }
  await startWorker(true).exit
  const views = await readAll(options.directory)
  oracle.judge(views)
  let runs = 0
  let repeated = 0
  for (const [id, count] of oracle.runs) {
    const n = oracle.asked.get(id)
    runs += count
    repeated += Math.max(0, count - (n !== undefined && kindOf(n) === "flaky" ? 3 : 1))
  }
  const completed = [...views.values()].filter(({ state }) => state === "Completed").length
  return { kills, enqueued: oracle.acknowledged.size, completed, runs, repeated, violations: oracle.violations }
}
