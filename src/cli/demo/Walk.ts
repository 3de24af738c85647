/**
 * The demo's input: the regular files below a folder.
 *
 * @since 0.1.0
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/**
 * The folder cannot be walked.
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export class WalkFailed extends Schema.TaggedError<WalkFailed>()("WalkFailed", {
  path: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `cannot list the files below ${this.path}: ${this.detail}`
  }
}

/**
 * Paths relative to `root`, sorted. Links are not followed; `outside` and what is below it are left out.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const walk = (root: string, outside: string): Effect.Effect<ReadonlyArray<string>, WalkFailed> =>
  Effect.try({
    try: () => {
      const found: Array<string> = []
      const visit = (directory: string): void => {
        for (const entry of Fs.readdirSync(Path.join(root, directory), { withFileTypes: true })) {
          const path = Path.join(directory, entry.name)
          if (Path.join(root, path) === outside) continue
          if (entry.isDirectory()) visit(path)
          else if (entry.isFile()) found.push(path)
        }
      }
      visit("")
      return found.sort()
    },
    catch: (error) => new WalkFailed({ path: root, detail: error instanceof Error ? error.message : String(error) })
  })
