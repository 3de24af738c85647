/**
 * The news of other processes: a connection of its own that LISTENs, and is made anew whenever it breaks.
 *
 * LISTEN is an extra. It is believed in only while notifications are seen to come back, and whoever waits looks for
 * himself now and then all the same: often without LISTEN, seldom with it.
 *
 * @since 0.1.0
 */
import * as PgConnection from "@effect/sql-pg/PgConnection"
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import type { SqlError } from "effect/sql/SqlError"
import { decode, type Message } from "./NewsMessage.ts"
import type { NewsOutbox } from "./NewsOutbox.ts"
import { poolerMode } from "./Pooler.ts"

/** Milliseconds in which a NOTIFY to oneself must come back when LISTEN begins. */
const probeMillis = 1000

/** Milliseconds of silence after which a live connection is asked for an echo, and how long that may take. */
const silenceMillis = 15_000
const echoMillis = 5000

/** Milliseconds until another try where a pooler cannot pass LISTEN on. */
const hopelessMillis = 60_000

/** Why there is no LISTEN now. */
class NotListening {
  readonly why: string
  readonly hopeless: boolean
  constructor(why: string, hopeless: boolean) {
    this.why = why
    this.hopeless = hopeless
  }
}

const jittered = (millis: number): Effect.Effect<number> =>
  Effect.map(Random.next, (random) => millis * (0.5 + random / 2))

/**
 * What a listener reports.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface ListenerEvents {
  readonly heard: (message: Message) => void
  /** LISTEN is live from now on, or no longer. What was told in between is lost. */
  readonly changed: (listening: boolean) => void
}

/**
 * Listens for ever.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const listen = (sql: PgClient.PgClient, outbox: NewsOutbox, events: ListenerEvents): Effect.Effect<never> => {
  let pings = 0
  let live = false

  const session: Effect.Effect<never, NotListening | SqlError, Scope.Scope> = Effect.gen(function* () {
    const connection = yield* PgConnection.make({ ...sql.config, multiplex: false })
    if ((yield* poolerMode(connection)) === "transaction") {
      return yield* Effect.fail(
        new NotListening("a pooler runs each transaction in another session, which LISTEN does not survive", true)
      )
    }
    const notifications = yield* connection.listen(outbox.channel)
    const echo = yield* Deferred.make<void>()
    let heardAny = false
    const read = Effect.gen(function* () {
      while (true) {
        const { payload } = yield* Queue.take(notifications)
        heardAny = true
        const message = decode(payload)
        if (message.from !== outbox.node) events.heard(message)
        else if (message.ping !== undefined) yield* Deferred.succeed(echo, undefined)
      }
    })
    const watch = Effect.gen(function* () {
      outbox.sendPing(++pings)
      yield* Effect.timeoutOrElse(Deferred.await(echo), {
        duration: probeMillis,
        orElse: () => Effect.fail(new NotListening(`no notification came back within ${probeMillis} ms`, false))
      })
      live = true
      events.changed(true)
      while (true) {
        heardAny = false
        yield* Effect.sleep(silenceMillis)
        if (heardAny) continue
        outbox.sendPing(++pings)
        yield* Effect.sleep(echoMillis)
        if (!heardAny) return yield* Effect.fail(new NotListening("the connection has gone silent", false))
      }
    })
    return yield* Effect.raceFirst(read, watch)
  })

  return Effect.gen(function* () {
    let failures = 0
    let told: string | undefined
    while (true) {
      const exit = yield* Effect.exit(Effect.scoped(session))
      if (live) {
        live = false
        failures = 0
        told = undefined
        events.changed(false)
      }
      const error = exit._tag === "Failure" ? Cause.squash(exit.cause) : undefined
      const why = error instanceof NotListening ? error.why : "the connection failed"
      if (why !== told) yield* Effect.logWarning(`leasehold hears no NOTIFY and polls: ${why}`)
      told = why
      const hopeless = error instanceof NotListening && error.hopeless
      yield* Effect.sleep(
        yield* jittered(hopeless ? hopelessMillis : Math.min(10_000, 100 * 2 ** Math.min(failures++, 10)))
      )
    }
  })
}
