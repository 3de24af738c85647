/**
 * The self-check of a Redis log: everything about a server that makes the log slow, unsafe or unusable, as one typed
 * report.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type { Capabilities } from "../../log/Capabilities.ts"
import { type LogError, refused, Unavailable } from "../../log/LogError.ts"
import type { Connection, Reply } from "./Connection.ts"
import type { Confirmation } from "./ConnectionOptions.ts"
import { Check, Finding, Report } from "./DoctorReport.ts"
import { type Facts, linesOf, serverChecks, survived } from "./DoctorServer.ts"
import { keysOf } from "./LogName.ts"

/** Milliseconds in which a message must come back. */
const newsMillis = 2000

/** Milliseconds for any one check. */
const patience = 10_000

/** Settings that INFO does not tell. */
const wanted = [
  "appendfsync",
  "no-appendfsync-on-rewrite",
  "min-replicas-to-write",
  "save",
  "stop-writes-on-bgsave-error"
] as const

const textOf = (reply: Reply): string => (typeof reply === "string" ? reply : "")

const pairsOf = (reply: Reply): ReadonlyArray<readonly [string, string]> =>
  typeof reply === "object" && reply !== null
    ? reply.flatMap((name, i) => (i % 2 === 0 ? [[textOf(name), textOf(reply[i + 1] ?? null)] as const] : []))
    : []

const infoOf = (connection: Connection): Effect.Effect<Facts["info"], LogError> =>
  Effect.map(connection.command("INFO", []), (reply) => linesOf(textOf(reply)))

/** What may be read: providers forbid CONFIG as a whole. */
const settingsOf = (connection: Connection): Effect.Effect<Facts["settings"]> =>
  Effect.map(
    Effect.forEach(wanted, (name) =>
      Effect.orElseSucceed(Effect.map(connection.command("CONFIG", ["GET", name]), pairsOf), () => [])
    ),
    (found) => new Map(found.flat())
  )

const factsOf = (connection: Connection): Effect.Effect<Facts, LogError> =>
  Effect.all({ info: infoOf(connection), settings: settingsOf(connection) })

/**
 * What the server does when its memory is full, for example `noeviction`, which is the only policy under which it deletes
 * no jobs. Fails where the program may not know.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const evictionPolicy = (connection: Connection): Effect.Effect<string, LogError> =>
  Effect.flatMap(infoOf(connection), (info) => {
    const policy = info.get("maxmemory_policy")
    return policy === undefined
      ? Effect.fail(refused("open", new Unavailable({ detail: "the server does not tell its maxmemory-policy" })))
      : Effect.succeed(policy)
  })

/**
 * What an acknowledged operation survives on this server as it is set now, where writes are confirmed so. What the
 * program may not know counts as nothing.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const durabilityOf = (
  connection: Connection,
  confirmation?: Confirmation
): Effect.Effect<Capabilities["durability"]> =>
  Effect.match(factsOf(connection), { onFailure: () => "none", onSuccess: (facts) => survived(facts, confirmation) })

const clusterOf = (connection: Connection, { info }: Facts): Effect.Effect<string | undefined, LogError> =>
  info.get("cluster_enabled") === "1"
    ? Effect.map(connection.command("CLUSTER", ["INFO"]), (reply) => linesOf(textOf(reply)).get("cluster_state"))
    : Effect.succeed(undefined)

const clockOf = (connection: Connection): Effect.Effect<Finding, LogError> =>
  Effect.gen(function* () {
    const before = yield* Clock.currentTimeMillis
    const reply = yield* connection.command("TIME", [])
    const after = yield* Clock.currentTimeMillis
    const [seconds, micros] = typeof reply === "object" && reply !== null ? reply : []
    return serverChecks.clock(Number(seconds) * 1000 + Number(micros) / 1000, before, after)
  })

/** How long a message to oneself takes. Whoever else listens does not know its kind, and passes over it. */
const newsOf = (connection: Connection, channel: string): Effect.Effect<Finding, LogError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const message = `d ${yield* Random.nextIntBetween(0, 2 ** 31)}`
      const live = yield* Deferred.make<void>()
      const heard = yield* Deferred.make<void>()
      yield* connection.listen({
        heard: (said) => {
          if (said === message) Deferred.doneUnsafe(heard, Effect.void)
        },
        changed: (isLive) => {
          if (isLive) Deferred.doneUnsafe(live, Effect.void)
        }
      })
      const round = Effect.gen(function* () {
        yield* Deferred.await(live)
        const before = yield* Clock.currentTimeMillis
        yield* connection.command("PUBLISH", [channel, message])
        yield* Deferred.await(heard)
        return (yield* Clock.currentTimeMillis) - before
      })
      return serverChecks.news(Option.getOrUndefined(yield* Effect.timeoutOption(round, newsMillis)), newsMillis)
    })
  )

/**
 * Examines the server that a log is on. It changes nothing. Fails only where the server cannot be reached; what the
 * program may not look at is a finding. `confirmation`: what the log waits for after each write.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const diagnose: (
  connection: Connection,
  name: string,
  confirmation?: Confirmation
) => Effect.Effect<Report, LogError> = Effect.fnUntraced(function* (connection, name, confirmation) {
  yield* connection.command("PING", [])
  const facts = yield* Effect.cached(factsOf(connection))
  const from = (look: (facts: Facts) => Finding): Effect.Effect<Finding, LogError> => Effect.map(facts, look)
  const checks: Record<Check, Effect.Effect<Finding, LogError>> = {
    server: from(serverChecks.server),
    role: from(serverChecks.role),
    cluster: Effect.flatMap(facts, (known) =>
      Effect.map(clusterOf(connection, known), (state) => serverChecks.cluster(known, state))
    ),
    eviction: from(serverChecks.eviction),
    durability: from((known) => serverChecks.durability(known, confirmation)),
    disk: from(serverChecks.disk),
    replication: from((known) => serverChecks.replication(known, confirmation)),
    memory: from(serverChecks.memory),
    clock: clockOf(connection),
    connections: from(serverChecks.connections),
    functions: Effect.sync(() => serverChecks.functions(connection.calls())),
    news: newsOf(connection, keysOf(name).news)
  }
  const unknown = (check: Check, found: string, remedy: string): Finding =>
    new Finding({ check, level: "warn", found, meaning: "it is not known how this stands", remedy })
  const findings = yield* Effect.forEach(Check.literals, (check) =>
    checks[check].pipe(
      Effect.timeoutOption(patience),
      Effect.map(
        Option.getOrElse(() => unknown(check, `no answer within ${patience} ms`, "look at the server's load"))
      ),
      Effect.catch(({ reason }) =>
        Effect.succeed(
          unknown(
            check,
            `it could not be looked at: ${reason.message}`,
            "allow the program the command, for example by ACL SETUSER … +info +config|get"
          )
        )
      )
    )
  )
  return new Report({ name, findings })
})
