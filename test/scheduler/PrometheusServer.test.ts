/** The metrics port: what it serves, to whom, and what happens when it or the log is not there. */
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import * as MemoryLog from "../../src/backends/memory/MemoryLog.ts"
import { JobLog, type JobLogOperations } from "../../src/log/JobLog.ts"
import { refused, Unavailable } from "../../src/log/LogError.ts"
import * as Job from "../../src/scheduler/Job.ts"
import { JobScheduler } from "../../src/scheduler/JobScheduler.ts"
import { layer, serve } from "../../src/scheduler/PrometheusServer.ts"

class Noop extends Job.make("noop", { payload: {} }) {}

const get = (port: number, path: string, method = "GET") =>
  Effect.promise(async () => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method })
    return { status: response.status, type: response.headers.get("content-type"), body: await response.text() }
  })

const withRegistry = Effect.provideServiceEffect(
  Metric.MetricRegistry,
  Effect.sync(() => new Map())
)

const unreadable = (log: JobLogOperations): JobLogOperations => ({
  ...log,
  read: () => Effect.fail(refused("read", new Unavailable({ detail: "the server is gone" })))
})

/** A port that is taken until the scope closes. */
const takenPort = Effect.map(
  Effect.acquireRelease(
    Effect.callback<Http.Server>((resume) => {
      const server = Http.createServer().listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
  ),
  // a listening TCP server's address is never a path
  (server) => (server.address() as AddressInfo).port
)

describe("the metrics port", () => {
  it.live("serves all metrics of the registry, the queues' depth as it is now", () =>
    Effect.gen(function* () {
      const log = yield* MemoryLog.make()
      const port = yield* serve(log, { port: 0 })
      yield* Metric.update(Metric.counter("users_own_total"), 3)
      for (const ready of [1, 2]) {
        const id = `00000000-0000-0000-0000-00000000000${ready}`
        yield* log.enqueue([{ id, queue: "mail", name: "send", version: 1, payload: "{}" }])
        const { body, status, type } = yield* get(port, "/metrics")
        assert.strictEqual(status, 200)
        assert.strictEqual(type, "text/plain; version=0.0.4; charset=utf-8")
        assert.include(body, "# TYPE leasehold_jobs gauge\n")
        assert.include(body, `leasehold_jobs{queue="mail",state="ready"} ${ready}\n`)
        assert.include(body, "users_own_total 3\n")
      }
    }).pipe(withRegistry)
  )

  it.live("tells a healthy process from one whose log does not answer, and serves its metrics all the same", () =>
    Effect.gen(function* () {
      const log = yield* MemoryLog.make()
      const healthy = yield* serve(log, { port: 0 })
      assert.deepStrictEqual(yield* get(healthy, "/healthz"), {
        status: 200,
        type: "application/json; charset=utf-8",
        body: '{"status":"ok"}\n'
      })
      const ill = yield* serve(unreadable(log), { port: 0 })
      const answer = yield* get(ill, "/healthz")
      assert.strictEqual(answer.status, 503)
      assert.include(JSON.parse(answer.body).problem, "the server is gone")
      assert.strictEqual((yield* get(ill, "/metrics")).status, 200)
    }).pipe(withRegistry)
  )

  it.live("answers nothing else", () =>
    Effect.gen(function* () {
      const port = yield* serve(yield* MemoryLog.make(), { port: 0 })
      assert.strictEqual((yield* get(port, "/")).status, 404)
      assert.strictEqual((yield* get(port, "/metrics?x=1")).status, 200)
      assert.strictEqual((yield* get(port, "/metrics", "POST")).status, 405)
      const head = yield* get(port, "/healthz", "HEAD")
      assert.deepStrictEqual([head.status, head.body], [200, ""])
    }).pipe(withRegistry)
  )

  it.live("is closed with its scope", () =>
    Effect.gen(function* () {
      const port = yield* Effect.scoped(
        Effect.gen(function* () {
          const port = yield* serve(yield* MemoryLog.make(), { port: 0 })
          yield* get(port, "/healthz")
          return port
        })
      )
      const failed = yield* Effect.exit(Effect.tryPromise(() => fetch(`http://127.0.0.1:${port}/healthz`)))
      assert.strictEqual(failed._tag, "Failure")
    })
  )

  it.live("opens for a scheduler only when it is asked to, by an option or by the environment", () =>
    Effect.gen(function* () {
      const port = yield* takenPort
      // a port that is taken shows who would have listened on it
      const attempt = (scheduler: typeof JobScheduler.layer, environment: Record<string, string> = {}) =>
        Layer.build(
          scheduler.pipe(Layer.provide(Noop.toLayer(() => Effect.void)), Layer.provide(MemoryLog.layer()))
        ).pipe(
          Effect.as("not asked"),
          Effect.catchTag("MetricsPortUnavailable", (error) => Effect.succeed(error.message)),
          Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(environment)),
          Effect.scoped
        )
      assert.strictEqual(yield* attempt(JobScheduler.layer), "not asked")
      const taken = /^cannot serve metrics on 127\.0\.0\.1:\d+ \(LEASEHOLD_METRICS_PORT\): .*EADDRINUSE/
      assert.match(yield* attempt(JobScheduler.layerWith({ metricsPort: port })), taken)
      assert.match(yield* attempt(JobScheduler.layer, { LEASEHOLD_METRICS_PORT: String(port) }), taken)
    }).pipe(withRegistry)
  )

  it.live("opens without a scheduler by its own layer", () =>
    Effect.gen(function* () {
      const port = yield* takenPort
      const error = yield* Effect.flip(Layer.build(layer({ port })))
      assert.strictEqual(error.port, port)
    }).pipe(Effect.provide(Layer.effect(JobLog, MemoryLog.make())))
  )
})
