/**
 * Starts, watches and kills the demo's worker process.
 *
 * @since 0.1.0
 */
import { type ChildProcess, fork } from "node:child_process"
import { extname } from "node:path"
import { fileURLToPath } from "node:url"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { WorkerMessage, type WorkerStart } from "./Messages.ts"

/**
 * The worker process failed or ended unbidden.
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export class WorkerFailed extends Schema.TaggedError<WorkerFailed>()("WorkerFailed", { detail: Schema.String }) {
  override get message(): string {
    return `the demo's worker process failed: ${this.detail}`
  }
}

// next to this file, whether it runs from source or from the built package
const script = fileURLToPath(new URL(`./worker${extname(import.meta.url)}`, import.meta.url))

/**
 * Runs one worker process until it finishes, or until it holds: then it is killed with SIGKILL. `environment` is added
 * to this process's own.
 *
 * Answers the number of runs that were in the middle of their job when it was killed, or undefined if it finished.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const runUntilKilled = (
  start: WorkerStart,
  environment: Readonly<Record<string, string>>,
  onMessage: (message: WorkerMessage) => void
): Effect.Effect<number | undefined, WorkerFailed> =>
  Effect.callback((resume) => {
    const child: ChildProcess = fork(script, [JSON.stringify(start)], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      env: { ...process.env, ...environment }
    })
    let killed: number | undefined
    let failure: string | undefined
    let finished = false
    child.on("message", (raw) => {
      const message = Schema.decodeUnknownSync(WorkerMessage)(raw)
      if (message._tag === "Failed") failure = message.message
      if (message._tag === "Finished") finished = true
      if (message._tag === "Holding") {
        killed = message.running
        child.kill("SIGKILL")
      }
      onMessage(message)
    })
    child.on("error", (error) => resume(Effect.fail(new WorkerFailed({ detail: error.message }))))
    child.on("exit", (code, signal) => {
      if (killed !== undefined && signal === "SIGKILL") resume(Effect.succeed(killed))
      else if (finished && code === 0) resume(Effect.succeed(undefined))
      else
        resume(Effect.fail(new WorkerFailed({ detail: failure ?? `it ended with ${signal ?? `exit code ${code}`}` })))
    })
    return Effect.sync(() => {
      child.kill("SIGKILL")
    })
  })
