/**
 * A small HTTP server for Prometheus and for health checks. It runs only where a port is asked for.
 *
 * - `GET /metrics`: all metrics of the process's registry, the queues' gauges read afresh
 * - `GET /healthz`: 200 while the log answers, else 503 with the reason
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Http from "node:http"
import { JobLog, type JobLogOperations } from "../log/JobLog.ts"
import { refresh } from "./MetricsGauges.ts"

/**
 * The server could not listen.
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export class MetricsPortUnavailable extends Schema.TaggedError<MetricsPortUnavailable>()("MetricsPortUnavailable", {
  host: Schema.String,
  port: Schema.Int,
  detail: Schema.String
}) {
  override get message(): string {
    return `cannot serve metrics on ${this.host}:${this.port} (LEASEHOLD_METRICS_PORT): ${this.detail}`
  }
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface PrometheusOptions {
  /** 0 takes any free port. */
  readonly port: number
  /** Default 127.0.0.1: whoever may connect may read the names and depths of all queues. */
  readonly host?: string | undefined
}

/** A scraper gives up after ten seconds by default; a log that hangs must not look like a process that does. */
const readMillis = 2_000

interface Reply {
  readonly status: number
  readonly type: string
  readonly body: string
}

const text = "text/plain; version=0.0.4; charset=utf-8"
const json = "application/json; charset=utf-8"

const metrics = (log: JobLogOperations): Effect.Effect<Reply> =>
  refresh(log).pipe(
    Effect.timeoutOption(readMillis),
    // gauges that could not be read keep their value, and everything else is as true as ever
    Effect.ignoreCause,
    Effect.andThen(PrometheusMetrics.format()),
    Effect.map((body) => ({ status: 200, type: text, body }))
  )

const health = (log: JobLogOperations): Effect.Effect<Reply> =>
  log.read({ _tag: "Counts" }).pipe(
    Effect.timeoutOption(readMillis),
    Effect.map((answer) => (Option.isSome(answer) ? undefined : `the log did not answer within ${readMillis} ms`)),
    Effect.catch((error) => Effect.succeed(error.message)),
    Effect.map((problem) =>
      problem === undefined
        ? { status: 200, type: json, body: `${JSON.stringify({ status: "ok" })}\n` }
        : { status: 503, type: json, body: `${JSON.stringify({ status: "unavailable", problem })}\n` }
    )
  )

const route = (log: JobLogOperations, method: string, path: string): Effect.Effect<Reply> => {
  if (method !== "GET" && method !== "HEAD") return Effect.succeed({ status: 405, type: text, body: "GET only\n" })
  if (path === "/metrics") return metrics(log)
  if (path === "/healthz") return health(log)
  return Effect.succeed({ status: 404, type: text, body: "GET /metrics or /healthz\n" })
}

/**
 * Serves until the scope closes; answers the port.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const serve = Effect.fnUntraced(function* (
  log: JobLogOperations,
  options: PrometheusOptions
): Effect.fn.Return<number, MetricsPortUnavailable, Scope.Scope> {
  const context: Context.Context<never> = yield* Effect.context<never>()
  const run = Effect.runForkWith(context)
  const host = options.host ?? "127.0.0.1"
  const server = Http.createServer((request, response) => {
    const path = (request.url ?? "/").split("?", 1)[0]!
    const reply = Effect.map(route(log, request.method ?? "GET", path), ({ body, status, type }) => {
      response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) })
      response.end(request.method === "HEAD" ? undefined : body)
    })
    const fiber = run(
      Effect.catchCause(reply, (cause) =>
        Effect.andThen(
          Effect.logError("metrics were not served", cause),
          Effect.sync(() => response.destroy())
        )
      )
    )
    response.on("close", () => fiber.interruptUnsafe())
  })
  yield* Effect.acquireRelease(
    Effect.callback<void, MetricsPortUnavailable>((resume) => {
      server.once("error", (error) =>
        resume(Effect.fail(new MetricsPortUnavailable({ host, port: options.port, detail: error.message })))
      )
      server.listen(options.port, host, () => resume(Effect.void))
    }),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : options.port
  yield* Effect.logDebug(`metrics are served on http://${host}:${port}/metrics`)
  return port
})

/**
 * Serves the metrics of the environment's log and registry, for a process that runs no scheduler or sets its port in
 * code.
 *
 * @since 0.1.0
 * @category layers
 * @stability unstable
 */
export const layer = (options: PrometheusOptions): Layer.Layer<never, MetricsPortUnavailable, JobLog> =>
  Layer.effectDiscard(Effect.flatMap(JobLog, (log) => serve(log, options)))
