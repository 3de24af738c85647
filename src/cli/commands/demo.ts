/**
 * `leasehold demo`
 *
 * @since 0.1.0
 */
import * as Path from "node:path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
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
    log: Flag.Literals("log", ["file", "memory"]).pipe(
      Flag.withDescription("memory runs without kills: it survives nothing"),
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
    json
  },
  Effect.fnUntraced(function* ({ concurrency, dir, json, kills, log, resume, state }) {
    const Demo = yield* Effect.promise(() => import("../demo/Demo.ts"))
    // with --json the last line of standard output is the report, and people read standard error
    const { proved, report } = yield* Demo.run(
      { dir: Path.resolve(dir), state: Path.resolve(state), log, resume, kills, concurrency },
      json ? process.stderr : process.stdout
    )
    if (json) process.stdout.write(`${JSON.stringify(report)}\n`)
    if (!proved) return yield* new Demo.DemoFailed({ detail: "the demo did not prove its claims (see above)" })
  })
).pipe(
  Command.withDescription(
    "Fingerprints the files below a folder, one durable job each, kills its own worker process twice, and proves that nothing was lost"
  )
)
