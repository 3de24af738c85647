/** The connection of a log in Redis: each call has its effect at most once, and a failure says what it may have been. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import { assert, describe, it } from "vitest"
import {
  at,
  cli,
  failing,
  get,
  newName,
  outcomeOf,
  put,
  replicaOf,
  running,
  server,
  waiting
} from "./ConnectionSupport.ts"
import { hasFunctions, onlyScripts, type Redis } from "../../support/servers/Redis.ts"

/** Lines of CLIENT LIST about the connection of a log. */
const clientsOf = async (redis: Redis, name: string): Promise<ReadonlyArray<string>> =>
  (await redis.text("CLIENT", "LIST")).split("\n").filter((line) => line.includes(`name=leasehold:${name} `))

const idOf = (line: string | undefined): string => /\bid=(\d+)/.exec(line ?? "")?.[1] ?? "none"

describe("calls", () => {
  const redis = server({ settings: { "lua-time-limit": 50, "enable-debug-command": "yes" } })

  it("answer through a port, a socket and in a database, and take many arguments", () =>
    running(
      Effect.gen(function* () {
        const urls = [
          redis().url(),
          Redacted.make(`redis+unix://${redis().socket}`),
          Redacted.make(`redis://127.0.0.1:${redis().port}/3`)
        ]
        for (const url of urls) {
          const name = newName()
          const connection = yield* at(url, {}, name)
          assert.strictEqual(connection.calls(), hasFunctions ? "functions" : "scripts")
          assert.deepStrictEqual(yield* put(connection, "ä"), [1, "ä"])
          assert.strictEqual(yield* get(connection), "ä")
          const many = Array.from({ length: 1000 }, (_, i) => (i % 2 === 0 ? i : "x".repeat(200)))
          assert.strictEqual(yield* connection.call("enqueue", "size", many), 1000)
          assert.strictEqual(yield* connection.command("PING", []), "PONG")
        }
        assert.include(yield* Effect.promise(() => redis().info("db3")), "keys=1")
      })
    ))

  it("load the functions again where they are lost", () =>
    running(
      Effect.gen(function* () {
        const connection = yield* at(redis().url())
        yield* Effect.promise(() => redis().forget())
        const all = yield* Effect.all(
          [1, 2, 3].map((n) => put(connection, String(n))),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(all, [
          [1, "1"],
          [1, "2"],
          [1, "3"]
        ])
      })
    ))

  it("use scripts where functions are not allowed, and send them again where they are lost", () =>
    running(
      Effect.gen(function* () {
        yield* cli(redis(), "ACL", "SETUSER", "scripted", "on", ">secret", "~*", "&*", "+@all", ...onlyScripts)
        const connection = yield* at(Redacted.make(`redis://scripted:secret@127.0.0.1:${redis().port}`))
        assert.strictEqual(connection.calls(), "scripts")
        assert.deepStrictEqual(yield* put(connection, "a"), [1, "a"])
        yield* cli(redis(), "SCRIPT", "FLUSH")
        assert.strictEqual(yield* get(connection), "a")
      })
    ))

  it.runIf(hasFunctions)("fall back to scripts while they last, where functions are forbidden later", () =>
    running(
      Effect.gen(function* () {
        yield* cli(redis(), "ACL", "SETUSER", "demoted", "on", ">secret", "~*", "&*", "+@all")
        const connection = yield* at(Redacted.make(`redis://demoted:secret@127.0.0.1:${redis().port}`))
        assert.strictEqual(connection.calls(), "functions")
        yield* cli(redis(), "ACL", "SETUSER", "demoted", "-fcall")
        assert.deepStrictEqual(yield* put(connection, "b"), [1, "b"])
        assert.strictEqual(connection.calls(), "scripts")
        yield* cli(redis(), "ACL", "SETUSER", "demoted", "-evalsha")
        const { outcome, text } = yield* failing(put(connection, "c"))
        assert.strictEqual(outcome, "refused NotWritable")
        assert.include(text, "evalsha")
        assert.strictEqual(yield* cli(redis(), "GET", "none"), null)
      })
    )
  )

  it("are unknown when a script fails half-way", () =>
    running(
      Effect.gen(function* () {
        const connection = yield* at(redis().url())
        const { outcome, text } = yield* failing(connection.call("settle", "fail", []))
        assert.strictEqual(outcome, "unknown NotWritable")
        assert.include(text, "broken")
        assert.strictEqual(yield* get(connection), "half")
      })
    ))

  it("are unknown when the connection is cut under them, and go on over the next", () =>
    running(
      Effect.gen(function* () {
        const name = newName()
        const connection = yield* at(redis().url(), {}, name)
        yield* cli(redis(), "CLIENT", "PAUSE", 60_000, "WRITE")
        const fiber = yield* Effect.forkChild(failing(connection.call("enqueue", "count", [])))
        yield* waiting("the call is there", async () =>
          (await clientsOf(redis(), name)).some((line) => / cmd=(?:fcall|evalsha)\b/.test(line))
        )
        const [client] = yield* Effect.promise(() => clientsOf(redis(), name))
        yield* cli(redis(), "CLIENT", "KILL", "ID", idOf(client))
        const { outcome, text } = yield* Fiber.join(fiber)
        assert.strictEqual(outcome, "unknown Unavailable")
        assert.include(text, "connection was lost")
        yield* cli(redis(), "CLIENT", "UNPAUSE")
        // the cut one had no effect, and was not sent again
        assert.strictEqual(yield* connection.call("enqueue", "count", []), 1)
      })
    ))

  it("are unknown when no answer comes in time, and are not sent again", () =>
    running(
      Effect.gen(function* () {
        const name = newName()
        const hasty = yield* at(redis().url(), { commandTimeout: 300 }, name)
        const patient = yield* at(redis().url(), {}, name)
        yield* cli(redis(), "CLIENT", "PAUSE", 60_000, "WRITE")
        const { outcome, text } = yield* failing(hasty.call("enqueue", "count", []))
        assert.strictEqual(outcome, "unknown Unavailable")
        assert.include(text, "in time")
        yield* cli(redis(), "CLIENT", "UNPAUSE")
        assert.include([1, 2], yield* patient.call("enqueue", "count", []))
      })
    ))

  it("are unknown when the server froze, which carries them out later, once", () =>
    running(
      Effect.gen(function* () {
        const name = newName()
        const hasty = yield* at(redis().url(), { commandTimeout: 300 }, name)
        const patient = yield* at(redis().url(), {}, name)
        // it knows what is called
        assert.strictEqual(yield* patient.call("enqueue", "count", []), 1)
        redis().freeze()
        const { outcome, text } = yield* failing(hasty.call("enqueue", "count", [])).pipe(
          Effect.ensuring(Effect.sync(() => redis().thaw()))
        )
        assert.strictEqual(outcome, "unknown Unavailable")
        assert.include(text, "in time")
        yield* waiting("it is carried out", async () => (await redis().text("GET", `{${name}}:m`)) === "2")
        assert.strictEqual(yield* patient.call("enqueue", "count", []), 3)
      })
    ))

  it("are refused while a script is stuck, and the stuck one when it is killed", () =>
    running(
      Effect.gen(function* () {
        const stuck = yield* at(redis().url())
        const other = yield* at(redis().url())
        const fiber = yield* Effect.forkChild(failing(stuck.call("claim", "spin", [30_000])))
        const refusal = Effect.gen(function* () {
          while (true) {
            const result = yield* Effect.result(put(other, "x"))
            if (result._tag === "Failure") return result.failure
          }
        })
        const error = yield* refusal
        assert.strictEqual(outcomeOf(error), "refused Unavailable")
        assert.include(error.message, "BUSY")
        yield* cli(redis(), hasFunctions ? "FUNCTION" : "SCRIPT", "KILL")
        const { outcome, text } = yield* Fiber.join(fiber)
        assert.strictEqual(outcome, "refused Unavailable")
        assert.include(text, "killed by user")
      })
    ))

  it("wait while the server reads its data, and so do connections", () =>
    running(
      Effect.gen(function* () {
        const connection = yield* at(redis().url())
        yield* put(connection, "kept")
        yield* cli(redis(), "DEBUG", "POPULATE", 20_000)
        yield* Effect.promise(() => redis().readSlowly(50))
        const reload = yield* Effect.forkChild(cli(redis(), "DEBUG", "RELOAD"))
        yield* waiting("the server is loading", () =>
          redis()
            .cli("GET", "x")
            .then(
              () => false,
              (error) => String(error).includes("LOADING")
            )
        )
        assert.strictEqual(yield* get(connection), "kept")
        yield* Fiber.join(reload)
        yield* cli(redis(), "CONFIG", "SET", "key-load-delay", 0)
      })
    ))

  it("wait for replicas where they are told to, and are unknown when too few answer", () =>
    running(
      Effect.gen(function* () {
        const connection = yield* at(redis().url(), { replicas: { count: 1, timeout: 50 } })
        const { outcome, text } = yield* failing(put(connection, "alone"))
        assert.strictEqual(outcome, "unknown Unavailable")
        assert.include(text, "0 of 1")
        assert.strictEqual(yield* get(connection), "alone")
        yield* replicaOf(redis())
        const patient = yield* at(redis().url(), { replicas: { count: 1, timeout: 10_000 } })
        assert.deepStrictEqual(yield* put(patient, "twice"), [1, "twice"])
      })
    ))

  it("are refused by a replica until it is the master", () =>
    running(
      Effect.gen(function* () {
        const replica = yield* replicaOf(redis())
        const connection = yield* at(replica.url())
        const { outcome, text } = yield* failing(put(connection, "x"))
        assert.strictEqual(outcome, "refused Unavailable")
        assert.include(text, "READONLY")
        yield* cli(replica, "REPLICAOF", "NO", "ONE")
        assert.deepStrictEqual(yield* put(connection, "y"), [1, "y"])
      })
    ))
})

describe("a full server", () => {
  const redis = server()

  it.each(hasFunctions ? (["functions", "scripts"] as const) : (["scripts"] as const))(
    "refuses what adds, by %s, and lets read",
    (calls) =>
      running(
        Effect.gen(function* () {
          const before = yield* at(redis().url())
          yield* put(before, "v")
          if (calls === "scripts") yield* Effect.promise(() => redis().forget())
          yield* cli(redis(), "CONFIG", "SET", "maxmemory", 1000)
          // a program that starts now cannot load functions, and goes on with scripts
          const connection = calls === "scripts" ? yield* at(redis().url()) : before
          assert.strictEqual(connection.calls(), calls)
          const { outcome, error } = yield* failing(put(connection, "w"))
          assert.strictEqual(outcome, "refused Full")
          assert.strictEqual(error.reason._tag === "Full" ? error.reason.limit : "", "maxmemory")
          assert.strictEqual(yield* get(connection), calls === "scripts" ? null : "v")
          yield* cli(redis(), "CONFIG", "SET", "maxmemory", 0)
          assert.deepStrictEqual(yield* put(connection, "w"), [1, "w"])
        })
      )
  )
})

describe("who is not let in", () => {
  const redis = server({ settings: { requirepass: "s3cret/password" } })
  const as = (password: string) => Redacted.make(`redis://:${encodeURIComponent(password)}@127.0.0.1:${redis().port}`)

  it("is told so at once, without what is secret", () =>
    running(
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* put(yield* at(redis().url()), "in"), [1, "in"])
        const wrong = yield* failing(
          Effect.timeout(Effect.scoped(at(as("wr0ng/password"))), 5000).pipe(
            Effect.catchTag("TimeoutError", Effect.die)
          )
        )
        assert.strictEqual(wrong.outcome, "refused NotWritable")
        assert.include(wrong.text, "WRONGPASS")
        assert.notInclude(wrong.text, "wr0ng")
        const none = yield* failing(Effect.scoped(at(Redacted.make(`redis://127.0.0.1:${redis().port}`))))
        assert.strictEqual(none.outcome, "refused NotWritable")
        assert.include(none.text, "NOAUTH")
      })
    ))

  it("is told what a URL should be, without the URL", () =>
    running(
      Effect.gen(function* () {
        for (const url of [
          "http://u:hush@host",
          "redis://u:hush@host/x",
          "hush",
          "redis+unix://",
          "redis://u:%ff@host"
        ]) {
          const { outcome, text } = yield* failing(Effect.scoped(at(Redacted.make(url))))
          assert.strictEqual(outcome, "refused InvalidRequest", url)
          assert.notInclude(text, "hush")
        }
        const name = yield* failing(Effect.scoped(at(redis().url(), {}, "{bad}")))
        assert.strictEqual(name.outcome, "refused InvalidRequest")
        const database = yield* failing(
          Effect.scoped(at(Redacted.make(`${Redacted.value(redis().url())}/9999`), { connectTimeout: 3000 }))
        )
        assert.strictEqual(database.outcome, "refused NotWritable")
        assert.include(database.text, "DB index")
      })
    ))
})

describe("news", () => {
  const redis = server()

  it("are heard, and again after the connection was cut", () =>
    running(
      Effect.gen(function* () {
        const name = newName()
        const connection = yield* at(redis().url(), {}, name)
        const happened: Array<string> = []
        yield* connection.listen({
          heard: (message) => happened.push(message),
          changed: (live) => happened.push(live ? "live" : "lost")
        })
        const seen = (what: ReadonlyArray<string>) => waiting(what.join(), async () => happened.join() === what.join())
        const tell = (message: string) => connection.call("enqueue", "tell", [`{${name}}:news`, message])
        yield* seen(["live"])
        yield* tell("q one")
        yield* seen(["live", "q one"])
        yield* cli(redis(), "CLIENT", "KILL", "TYPE", "pubsub")
        yield* seen(["live", "q one", "lost", "live"])
        yield* tell("Q")
        yield* seen(["live", "q one", "lost", "live", "Q"])
      })
    ))
})
