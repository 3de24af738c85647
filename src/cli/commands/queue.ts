/**
 * `leasehold queue pause` and `resume`
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import { where, writing } from "../Access.ts"
import { answering } from "../Answer.ts"
import { json, print, printJson } from "../Output.ts"

const queueName = Argument.String("queue").pipe(Argument.withDescription("The queue's name"))

const pause = Command.make("pause", { queue: queueName, ...where, json }, ({ json, queue, ...given }) =>
  answering(
    json,
    Effect.gen(function* () {
      yield* (yield* writing(given)).queue.pause(queue)
      if (json) printJson({ queue, paused: true })
      else print(`${queue} is paused: running jobs finish, no more start, enqueue stays open`)
    })
  )
).pipe(Command.withDescription("Stops a queue's jobs from being started, durably"))

const resume = Command.make("resume", { queue: queueName, ...where, json }, ({ json, queue, ...given }) =>
  answering(
    json,
    Effect.gen(function* () {
      yield* (yield* writing(given)).queue.resume(queue)
      if (json) printJson({ queue, paused: false })
      else print(`${queue} is open`)
    })
  )
).pipe(Command.withDescription("Lets a paused queue's jobs start again"))

/**
 * @since 0.1.0
 * @category commands
 * @stability unstable
 */
export const queue = Command.make("queue").pipe(
  Command.withDescription("Pause and resume queues"),
  Command.withSubcommands([pause, resume])
)
