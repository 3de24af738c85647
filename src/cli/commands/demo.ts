/**
 * `leasehold demo`
 *
 * @since 0.1.0
 */
import * as Path from "node:path"
import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { postgresUrl, redisUrl } from "../../ConfiguredLog.ts"
import { postgresPlace, redisPlace, serverFlags, type ServerGiven } from "../Access.ts"
import type { DemoLog } from "../demo/Demo.ts"
import { DemoFailed } from "../demo/Killing.ts"
import { WrongUsage } from "../Failure.ts"
import { json } from "../Output.ts"

const whole = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

type Given = Pick<ServerGiven, "url" | "schema" | "logName">

/** Which log, and in which server of one's own, if one is given. */
const logOf = Effect.fnUntraced(function* (
  log: DemoLog["_tag"],
  { logName, schema, url }: Given
): Effect.fn.Return<DemoLog, WrongUsage | Config.ConfigError> {
  const server = log === "postgres" || log === "redis"
  if (
    (Option.isSome(url) && !server) ||
    (Option.isSome(schema) && log !== "postgres") ||
    (Option.isSome(logName) && log !== "redis")
  ) {
    const detail = "--url is for --log postgres or redis, --schema for --log postgres, --log-name for --log redis"
    return yield* new WrongUsage({ detail })
  }
  if (!server) return { _tag: log }
  const found = Option.isSome(url) ? url : yield* log === "postgres" ? postgresUrl : redisUrl
  const given = Option.isSome(found)
  if (log === "postgres") {
    const named = { url, schema: Option.orElseSome(schema, () => "leasehold_demo") }
    return { _tag: log, place: given ? yield* postgresPlace(named) : undefined }
  }
  const named = { url, logName: Option.orElseSome(logName, () => "leasehold-demo") }
  return { _tag: log, place: given ? yield* redisPlace(named) : undefined }
})

/**
 * @since 0.1.0
 * @category commands
 * @stability unstable
 */
export const demo = Command.make(
  "demo",
  {
    dir: Flag.String("dir").pipe(
      Flag.withDescription("Folder whose files are fingerprinted"),
      Flag.withDefault("node_modules")
    ),
    log: Flag.Literals("log", ["file", "memory", "postgres", "redis"]).pipe(
      Flag.withDescription(
        "memory runs without kills: it survives nothing; postgres and redis start a private server unless they are given one"
      ),
      Flag.withDefault("file")
    ),
    state: Flag.String("state").pipe(
      Flag.withDescription("Folder for the demo's log; a new run deletes the earlier one's"),
      Flag.withDefault(".leasehold/demo")
    ),
    resume: Flag.Boolean("resume").pipe(
      Flag.withDescription("Go on with the earlier run instead of starting clean"),
      Flag.withDefault(false)
    ),
    kills: Flag.Int("kills").pipe(
      Flag.withDescription("How often to kill the worker process with SIGKILL"),
      Flag.withSchema(whole(0, 100)),
      Flag.withDefault(2)
    ),
    concurrency: Flag.Int("concurrency").pipe(
      Flag.withDescription("Files fingerprinted at once"),
      Flag.withSchema(whole(1, 1_000)),
      Flag.withDefault(8)
    ),
    ...serverFlags,
    json
  },
  Effect.fnUntraced(function* ({ concurrency, dir, json, kills, log, logName, resume, schema, state, url }) {
    const chosen = yield* logOf(log, { url, schema, logName })
    if ("place" in chosen && chosen.place === undefined && resume) {
      return yield* new WrongUsage({ detail: "a private server ends with its run: --resume needs one of your own" })
    }
    const Demo = yield* Effect.promise(() => import("../demo/Demo.ts"))
    // with --json the last line of standard output is the report, and people read standard error
    const { proved, report } = yield* Demo.run(
      { dir: Path.resolve(dir), state: Path.resolve(state), log: chosen, resume, kills, concurrency },
      json ? process.stderr : process.stdout
    )
    if (json) process.stdout.write(`${JSON.stringify(report)}\n`)
    if (!proved) return yield* new DemoFailed({ detail: "the demo did not prove its claims (see above)" })
  })
).pipe(
  Command.withDescription(
    "Fingerprints the files below a folder, one durable job each, kills its own worker process twice, and a private server of the log too, and proves that nothing was lost"
  )
)
