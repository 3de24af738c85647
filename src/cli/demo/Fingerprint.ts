/**
 * The demo's job: read one file, answer its SHA-256 and size.
 *
 * @since 0.1.0
 */
import { createHash, hash } from "node:crypto"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Job from "../../scheduler/Job.ts"

/** The file is not there any more. */
class FileGone extends Schema.TaggedError<FileGone>()("FileGone", { path: Schema.String }) {
  override get message(): string {
    return `${this.path} is gone`
  }
}

/** The file cannot be read. */
class FileUnreadable extends Schema.TaggedError<FileUnreadable>()("FileUnreadable", {
  path: Schema.String,
  code: Schema.String
}) {
  override get message(): string {
    return `${this.path} cannot be read (${this.code})`
  }
}

const soon = Job.fullJitter({ base: "50 millis", cap: "1 second" })

/**
 * @since 0.1.0
 * @category jobs
 * @stability unstable
 */
export class Fingerprint extends Job.make("fingerprint", {
  payload: { root: Schema.String, path: Schema.String },
  success: Schema.Struct({ sha256: Schema.String, bytes: Schema.Int }),
  error: Schema.Union([FileGone, FileUnreadable]),
  queue: "demo",
  maxAttempts: 3,
  timeout: "1 minute",
  leaseDuration: "5 seconds",
  idempotencyKey: ({ path }) => hash("sha256", path),
  retry: { FileGone: soon, FileUnreadable: soon }
}) {}

/** Hashes in chunks, so that a large file neither fills the memory nor holds the event loop for long. */
const hashFile = (root: string, path: string) =>
  Effect.callback<{ readonly sha256: string; readonly bytes: number }, FileGone | FileUnreadable>((resume) => {
    const digest = createHash("sha256")
    let bytes = 0
    const stream = Fs.createReadStream(Path.join(root, path))
    stream.on("data", (chunk) => {
      digest.update(chunk)
      bytes += chunk.length
    })
    stream.on("error", (error: NodeJS.ErrnoException) => {
      const code = error.code ?? error.message
      resume(Effect.fail(code === "ENOENT" ? new FileGone({ path }) : new FileUnreadable({ path, code })))
    })
    stream.on("end", () => resume(Effect.succeed({ sha256: digest.digest("hex"), bytes })))
    return Effect.sync(() => stream.destroy())
  })

/**
 * The handler. `beforeAnswer` runs when the work is done and the job not yet settled: the worst moment for a crash.
 *
 * @since 0.1.0
 * @category layers
 * @stability unstable
 */
export const layer = (beforeAnswer: Effect.Effect<void>) =>
  Fingerprint.toLayer(({ path, root }) => Effect.tap(hashFile(root, path), beforeAnswer))
