/**
 * All commands, and how the process ends.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import * as Command from "effect/cli/Command"
import { check } from "./commands/check.ts"
import { dead } from "./commands/dead.ts"
import { demo } from "./commands/demo.ts"
import { doctor } from "./commands/doctor.ts"
import { jobs } from "./commands/jobs.ts"
import { migrate } from "./commands/migrate.ts"
import { queue } from "./commands/queue.ts"
import { stats } from "./commands/stats.ts"
import { verify } from "./commands/verify.ts"
import { conclude, exitCodes } from "./Failure.ts"
import * as Platform from "./Platform.ts"

const leasehold = Command.make("leasehold").pipe(
  Command.withDescription("A durable job scheduler for Effect"),
  Command.withSubcommands([stats, jobs, dead, queue, migrate, doctor, verify, check, demo])
)

const runMain = Runtime.makeRunMain(({ fiber, teardown }) => {
  const interrupt = (): void => fiber.interruptUnsafe()
  process.on("SIGINT", interrupt)
  process.on("SIGTERM", interrupt)
  fiber.addObserver((exit) => teardown(exit, (code) => process.exit(code)))
})

/**
 * Runs the command line of this process, and ends it with the exit code.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const main = (): void => {
  // whoever read the output has read enough
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(exitCodes.ok)
    throw error
  })
  leasehold.pipe(
    Command.run({ version: "0.1.0" }),
    Effect.provide(Platform.layer),
    runMain({ disableErrorReporting: true, teardown: (exit, onExit) => onExit(conclude(exit)) })
  )
}
