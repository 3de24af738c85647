/**
 * What the command-line parser asks of its platform. These commands prompt for nothing and leave files to the log, so
 * they need no platform package and start the faster for it.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Path from "effect/Path"
import * as Sink from "effect/Sink"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as Terminal from "effect/Terminal"
import * as CliConfig from "effect/cli/CliConfig"
import type * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import type * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as ChildProcessSpawner from "effect/process/ChildProcessSpawner"
import { note, plain } from "./Output.ts"

const unused = Effect.die(new Error("leasehold: a command prompted"))

const terminal = Terminal.make({
  columns: Effect.sync(() => process.stdout.columns ?? 80),
  rows: Effect.sync(() => process.stdout.rows ?? 24),
  size: unused,
  readInput: unused,
  readLine: unused,
  display: (text) => Effect.sync(() => void process.stdout.write(text))
})

const lineOf = (error: CliError.NonShowHelpErrors): string =>
  error.message.replace("Expected: Schema validation failed: ", "").replaceAll(/\n+\s*/g, " ")

/** Wrong usage is answered in a line or two on standard error: standard output stays empty for whoever reads it. */
const presenter: CliOutput.Presenter = {
  present: (event) => {
    if (event._tag !== "InvalidInvocation") return CliOutput.defaultPresenter.present(event)
    return Effect.sync(() => {
      for (const error of event.errors) note(`leasehold: ${plain(lineOf(error))}`)
      note(`try ${event.commandPath.join(" ")} --help`)
    })
  }
}

/**
 * The services of the command line.
 *
 * @since 0.1.0
 * @category layers
 * @stability unstable
 */
export const layer: Layer.Layer<Command.Environment> = Layer.mergeAll(
  FileSystem.layerNoop({}),
  Path.layer,
  Layer.succeed(
    Stdio.Stdio,
    Stdio.make({
      args: Effect.sync(() => process.argv.slice(2)),
      stdout: () => Sink.drain,
      stderr: () => Sink.drain,
      stdin: Stream.empty
    })
  ),
  Layer.succeed(Terminal.Terminal, terminal),
  Layer.succeed(
    ChildProcessSpawner.ChildProcessSpawner,
    ChildProcessSpawner.make(() => unused)
  ),
  CliOutput.layerPresenter(presenter),
  // standard output is for answers
  Layer.succeed(Logger.LogToStderr, true),
  // the wizard would prompt
  CliConfig.layer({ builtIns: GlobalFlag.BuiltIns.filter((each) => each !== GlobalFlag.Wizard) })
)
