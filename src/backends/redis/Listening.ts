/**
 * What servers publish: a connection of its own that subscribes, and is made anew whenever it breaks.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Redis } from "ioredis"
import { type Client, delay } from "./ConnectionClient.ts"
import { cleaned, messageOf } from "./Failure.ts"

/** Milliseconds of silence after which a connection is asked whether it is still there, and how long that may take. */
const silenceMillis = 15_000
const echoMillis = 5000

/**
 * What a listener reports.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface ListenerEvents {
  readonly heard: (message: string) => void
  /** It listens from now on, or no longer. What is said in between is lost. */
  readonly changed: (live: boolean) => void
}

interface Place {
  readonly client: Client
  readonly channel: string
  /** A channel of the listener's own, which is none without the right to it. */
  readonly own?: string | undefined
  /** A connection that is not made yet. */
  readonly make: () => Redis
}

/** Listens on one connection until it is lost; fails with why. */
const listenOnce = ({ channel, client, make, own }: Place, on: ListenerEvents): Effect.Effect<never, string> =>
  Effect.scoped(
    Effect.gen(function* () {
      const redis = yield* Effect.acquireRelease(Effect.sync(make), (redis) =>
        Effect.sync(() => {
          if (redis.status !== "end") redis.disconnect()
        })
      )
      const textOf = (error: unknown): string => cleaned(messageOf(error), client.secrets)
      let lastError: string | undefined
      redis.on("error", (error) => {
        lastError = textOf(error)
      })
      let heardAny = false
      redis.on("message", (_channel, message) => {
        heardAny = true
        on.heard(message)
      })
      const asked = (ask: () => Promise<unknown>): Effect.Effect<void, string> =>
        Effect.asVoid(Effect.tryPromise({ try: ask, catch: (error) => lastError ?? textOf(error) }))

      const lost = Effect.callback<never, string>((resume) => {
        const ended = (): void => resume(Effect.fail(lastError ?? "the connection was lost"))
        redis.once("end", ended)
        const forget = client.onRenewal(ended)
        return Effect.sync(() => {
          redis.off("end", ended)
          forget()
        })
      })
      const watch = Effect.gen(function* () {
        yield* asked(() => redis.connect())
        yield* asked(() => redis.subscribe(channel))
        // the server passes over a listener whom it does not know
        if (own !== undefined) yield* Effect.ignore(asked(() => redis.subscribe(own)))
        on.changed(true)
        while (true) {
          heardAny = false
          yield* Effect.sleep(silenceMillis)
          if (!heardAny) yield* asked(() => redis.ping())
        }
      })
      return yield* Effect.raceFirst(lost, watch)
    })
  )

/** Listens for ever; `stopped` is told once why it does not, until it does again. */
const listenOn = (
  place: Effect.Effect<Place>,
  on: ListenerEvents,
  stopped: (why: string) => Effect.Effect<void>
): Effect.Effect<never> =>
  Effect.gen(function* () {
    let failures = 0
    let live = false
    let told: string | undefined
    while (true) {
      const why = yield* Effect.flatMap(place, (it) =>
        Effect.flip(
          listenOnce(it, {
            heard: on.heard,
            changed: () => {
              live = true
              failures = 0
              told = undefined
              on.changed(true)
            }
          })
        )
      )
      if (live) {
        live = false
        on.changed(false)
      }
      if (why !== told) yield* stopped(why)
      told = why
      yield* Effect.sleep(yield* delay(++failures))
    }
  })

/**
 * Listens to a channel, and perhaps to one of its own, until the scope ends.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const listen = (
  client: Client,
  channel: string,
  own: string | undefined,
  on: ListenerEvents
): Effect.Effect<void, never, Scope.Scope> =>
  listenOn(Effect.succeed({ client, channel, own, make: () => client.beside(echoMillis) }), on, (why) =>
    Effect.logWarning(`leasehold hears no news of other processes and polls: ${why}`)
  ).pipe(Effect.forkScoped, Effect.asVoid)

/**
 * Hears from Sentinels that another server is the master now, so that nothing waits for one that no longer answers.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const followFailovers = (client: Client): Effect.Effect<void, never, Scope.Scope> => {
  const { sentinels } = client
  if (sentinels === undefined) return Effect.void
  let next = 0
  const place = Effect.sync((): Place => ({
    client,
    channel: "+switch-master",
    make: () => sentinels.connect(next++, echoMillis)
  }))
  return listenOn(
    place,
    {
      heard: (message) => {
        if (message.startsWith(`${sentinels.master} `)) client.renew()
      },
      changed: () => undefined
    },
    // while one Sentinel is down there are others, and without any the master is still found when it is lost
    () => Effect.void
  ).pipe(Effect.forkScoped, Effect.asVoid)
}
