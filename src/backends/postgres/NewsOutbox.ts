/**
 * News on their way to other processes: what happens while a NOTIFY is on its way goes with the next.
 *
 * A NOTIFY is a statement of its own, sent after what it tells of was committed. Inside the transaction that it tells
 * of it would make all commits of the database queue up behind one lock, each with its wait for the disk.
 *
 * @since 0.1.0
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { Change } from "../../log/News.ts"
import { encode } from "./NewsMessage.ts"

/** Milliseconds between the end of one NOTIFY and the next: those who wait are few while so much happens. */
const pause = 2

const merge = (known: Set<string> | "all", more: ReadonlyArray<string> | "all"): Set<string> | "all" => {
  if (known === "all" || more === "all") return "all"
  for (const name of more) known.add(name)
  return known
}

const listed = (names: Set<string> | "all"): ReadonlyArray<string> | "all" => (names === "all" ? names : [...names])

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class NewsOutbox {
  readonly node: string
  readonly channel: string
  private queues: Set<string> | "all" = new Set()
  private jobs: Set<string> | "all" = new Set()
  private waits = false
  private ping: number | undefined
  private readonly some = Latch.makeUnsafe(false)

  constructor(node: string, channel: string) {
    this.node = node
    this.channel = channel
  }

  tell({ jobs, queues }: Change): void {
    if (queues.length === 0 && jobs.length === 0) return
    this.queues = merge(this.queues, queues)
    this.jobs = merge(this.jobs, jobs)
    this.some.openUnsafe()
  }

  /** Tells that somebody here waits for jobs. */
  tellWaiting(): void {
    this.waits = true
    this.some.openUnsafe()
  }

  /** Asks for an echo. */
  sendPing(number: number): void {
    this.ping = number
    this.some.openUnsafe()
  }

  /** Sends for ever. What cannot be sent is dropped: those who wait look for themselves now and then. */
  run(sql: PgClient.PgClient): Effect.Effect<never> {
    const send = Effect.suspend(() => {
      const message = {
        from: this.node,
        queues: listed(this.queues),
        jobs: listed(this.jobs),
        waits: this.waits,
        ping: this.ping
      }
      this.queues = new Set()
      this.jobs = new Set()
      this.waits = false
      this.ping = undefined
      this.some.closeUnsafe()
      return Effect.ignore(sql.unsafe("SELECT pg_notify($1, $2)", [this.channel, encode(message)]).values)
    })
    return Effect.forever(Effect.andThen(this.some.await, Effect.andThen(send, Effect.sleep(pause))), {
      disableYield: true
    })
  }
}
