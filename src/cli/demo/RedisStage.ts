/**
 * The demo's Redis log: in a private server, which is killed too and removed in the end, or under a name in a server
 * that is there.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import type { Connection, Reply } from "../../backends/redis/Connection.ts"
import type { LogError } from "../../log/LogError.ts"
import { make as makeQueue } from "../../scheduler/JobQueue.ts"
import type { RedisPlace } from "../Access.ts"
import { connect, openRedis } from "../RedisAccess.ts"
import type { Display } from "./Display.ts"
import { DemoFailed, type Stage } from "./Killing.ts"
import * as PrivateRedis from "./PrivateRedis.ts"

/** Marks a log as the demo's own, so that starting clean never removes anything else. */
const markerOf = (name: string): string => `{${name}}:made-by-leasehold-demo`

/** Most keys that one command names. */
const batch = 1_000

const texts = (reply: Reply | undefined): ReadonlyArray<string> => (Array.isArray(reply) ? reply.map(String) : [])

/** All keys of a log. */
const keysOf = Effect.fnUntraced(function* (connection: Connection, name: string) {
  const found = new Set<string>()
  let cursor = "0"
  do {
    const reply = yield* connection.command("SCAN", [cursor, "MATCH", `{${name}}:*`, "COUNT", String(batch)])
    const [next, keys]: ReadonlyArray<Reply> = Array.isArray(reply) ? reply : []
    for (const key of texts(keys)) found.add(key)
    cursor = String(next ?? "0")
  } while (cursor !== "0")
  return [...found]
})

const remove = Effect.fnUntraced(function* (connection: Connection, keys: ReadonlyArray<string>) {
  for (let at = 0; at < keys.length; at += batch) yield* connection.command("UNLINK", keys.slice(at, at + batch))
})

const without = (keys: ReadonlyArray<string>, marker: string): ReadonlyArray<string> =>
  keys.filter((key) => key !== marker)

const prepare = Effect.fnUntraced(function* (connection: Connection, name: string, resume: boolean) {
  const marker = markerOf(name)
  const keys = yield* keysOf(connection, name)
  if (keys.length > 0 && !keys.includes(marker)) {
    const detail = `the server holds something else than an earlier demo under ${name}; choose another with --log-name`
    return yield* new DemoFailed({ detail })
  }
  // the mark stays throughout: a run that ends halfway leaves a log that the next one may remove
  if (!resume) yield* remove(connection, without(keys, marker))
  yield* connection.command("SET", [marker, "may be removed"])
})

/** Removes the log, the mark last. */
const finish = Effect.fnUntraced(function* (connection: Connection, name: string) {
  const marker = markerOf(name)
  yield* remove(connection, without(yield* keysOf(connection, name), marker))
  yield* remove(connection, [marker])
})

/** Waits until the server has read all that a killed client had sent: then it has closed the client's connections. */
const settled = (connection: Connection, name: string): Effect.Effect<void, LogError> =>
  Effect.gen(function* () {
    const own = String(yield* connection.command("CLIENT", ["ID"]))
    const list = String(yield* connection.command("CLIENT", ["LIST"]))
    return list
      .split("\n")
      .filter((line) => line.split(" ").some((field) => field === `name=leasehold:${name}`))
      .every((line) => line.startsWith(`id=${own} `))
  }).pipe(
    Effect.repeat({
      // whoever else looks at the log is no reason to wait for long
      schedule: Schedule.spaced("20 millis"),
      times: 100,
      until: (alone) => alone
    }),
    Effect.asVoid
  )

/** Answers once this process's own connection is there again as well. */
const outage = (server: PrivateRedis.PrivateRedis, connection: Connection): Effect.Effect<void, DemoFailed> =>
  server.kill.pipe(
    Effect.andThen(server.restart),
    Effect.andThen(
      Effect.retry(connection.command("PING", []), { schedule: Schedule.spaced("20 millis"), times: 250 })
    ),
    Effect.asVoid,
    Effect.mapError((error) => new DemoFailed({ detail: error.message }))
  )

/**
 * Makes the demo's log. `finish` removes it where its server stays.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const openStage = Effect.fnUntraced(function* (
  given: RedisPlace | undefined,
  resume: boolean,
  display: Display
) {
  const server = given === undefined ? yield* PrivateRedis.start : undefined
  const place = given ?? { url: server!.url, name: "leasehold-demo" }
  display.line(
    server === undefined
      ? `the log is ${place.name} in the given server, which is left alone`
      : "a private Redis server was started; it will be killed with SIGKILL as well"
  )
  const connection = yield* connect(place)
  yield* prepare(connection, place.name, resume)
  // opened for each look, so that in between only the worker's connections and this one are there
  const log = openRedis(place)
  const stage: Stage = {
    environment: {
      LEASEHOLD_LOG: "redis",
      LEASEHOLD_REDIS_URL: Redacted.value(place.url),
      LEASEHOLD_REDIS_NAME: place.name
    },
    read: log,
    settled: settled(connection, place.name),
    outage: server === undefined ? undefined : outage(server, connection)
  }
  return {
    stage,
    queue: Effect.map(log, makeQueue),
    finish: server === undefined ? finish(connection, place.name) : Effect.void
  }
})
