/**
 * `leasehold demo`
 *
 * @since 0.1.0
 */
import * as Path from "node:path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { postgresUrl } from "../../ConfiguredLog.ts"
import { postgresFlags, postgresPlace } from "../Access.ts"
import { DemoFailed } from "../demo/Killing.ts"
import { WrongUsage } from "../Failure.ts"
import { json } from "../Output.ts"

const whole = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

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
    log: Flag.Literals("log", ["file", "memory", "postgres"]).pipe(
      Flag.withDescription(
        "memory runs without kills: it survives nothing; postgres starts a private server unless it is given one"
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
    ...postgresFlags,
    json
  },
  Effect.fnUntraced(function* ({ concurrency, dir, json, kills, log, resume, schema, state, url }) {
    if (log !== "postgres" && (Option.isSome(url) || Option.isSome(schema))) {
      return yield* new WrongUsage({ detail: "--url and --schema are for --log postgres" })
    }
    const configured = log === "postgres" && Option.isNone(url) ? yield* postgresUrl : url
    const postgres =
      log === "postgres" && Option.isSome(configured)
        ? yield* postgresPlace({ url, schema: Option.orElseSome(schema, () => "leasehold_demo") })
        : undefined
    if (log === "postgres" && postgres === undefined && resume) {
      return yield* new WrongUsage({ detail: "a private server ends with its run: --resume needs one of your own" })
    }
    const Demo = yield* Effect.promise(() => import("../demo/Demo.ts"))
    // with --json the last line of standard output is the report, and people read standard error
    const { proved, report } = yield* Demo.run(
      { dir: Path.resolve(dir), state: Path.resolve(state), log, postgres, resume, kills, concurrency },
      json ? process.stderr : process.stdout
    )
    if (json) process.stdout.write(`${JSON.stringify(report)}\n`)
    if (!proved) return yield* new DemoFailed({ detail: "the demo did not prove its claims (see above)" })
  })
).pipe(
  Command.withDescription(
    "Fingerprints the files below a folder, one durable job each, kills its own worker process twice, and a private database server too, and proves that nothing was lost"
  )
)
