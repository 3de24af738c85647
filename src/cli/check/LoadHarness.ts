/**
 * Loads the module that `leasehold check` is given, and says in one line what is wrong with it if it cannot be used.
 *
 * @since 0.1.0
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Url from "node:url"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Properties from "../../../properties/index.ts"

/**
 * There is no such file.
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export class ModuleNotFound extends Schema.TaggedError<ModuleNotFound>()("ModuleNotFound", { path: Schema.String }) {
  /** See `conclude`. */
  readonly nothingTried = true
  override get message(): string {
    return `there is no file ${this.path}`
  }
}

/**
 * The module, or one that it imports, cannot be loaded.
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export class ModuleFailed extends Schema.TaggedError<ModuleFailed>()("ModuleFailed", {
  path: Schema.String,
  detail: Schema.String
}) {
  /** See `conclude`. */
  readonly nothingTried = true
  override get message(): string {
    return `${this.path} cannot be loaded: ${this.detail}`
  }
}

/**
 * The module is TypeScript that this Node does not run.
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export class TypeScriptNotRun extends Schema.TaggedError<TypeScriptNotRun>()("TypeScriptNotRun", {
  path: Schema.String,
  detail: Schema.String
}) {
  /** See `conclude`. */
  readonly nothingTried = true
  override get message(): string {
    return `${this.path} cannot be run as it is: ${this.detail}; or compile it, and name the JavaScript file`
  }
}

/**
 * The module exports nothing under the names that are looked for.
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export class NoHarness extends Schema.TaggedError<NoHarness>()("NoHarness", {
  path: Schema.String,
  exports: Schema.Array(Schema.String)
}) {
  /** See `conclude`. */
  readonly nothingTried = true
  override get message(): string {
    const found = this.exports.length === 0 ? "nothing" : this.exports.join(", ")
    return `${this.path} must export a Harness of leasehold/properties as "harness" or by default; it exports ${found}`
  }
}

/**
 * What the module exports is not a harness.
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export class NotAHarness extends Schema.TaggedError<NotAHarness>()("NotAHarness", {
  path: Schema.String,
  detail: Schema.String
}) {
  /** See `conclude`. */
  readonly nothingTried = true
  override get message(): string {
    return `${this.path} exports no Harness of leasehold/properties: ${this.detail}`
  }
}

/**
 * The suite needs a package that is not installed.
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export class MissingPackage extends Schema.TaggedError<MissingPackage>()("MissingPackage", { name: Schema.String }) {
  /** See `conclude`. */
  readonly nothingTried = true
  override get message(): string {
    return `leasehold check needs the package ${this.name}: npm install --save-dev ${this.name}`
  }
}

/**
 * The harness failed where it must not, or a law did: a bug, and most likely the harness's.
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export class HarnessDied extends Schema.TaggedError<HarnessDied>()("HarnessDied", {
  path: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `the check of ${this.path} died: ${this.detail}`
  }
}

const codeOf = (error: unknown): unknown => (Predicate.hasProperty(error, "code") ? error.code : undefined)

/**
 * What an error of unknown make says, in one line.
 *
 * @since 0.1.0
 * @category formatting
 * @stability unstable
 */
export const firstLine = (error: unknown): string =>
  (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).split("\n")[0] ?? ""

/**
 * The property suite. It is loaded only here, since no other command needs it or what it depends on.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const loadSuite: Effect.Effect<typeof Properties, MissingPackage> = Effect.promise(
  () => import("../../../properties/index.ts")
).pipe(
  Effect.catchDefect((error) =>
    codeOf(error) === "ERR_MODULE_NOT_FOUND" && firstLine(error).includes("'fast-check'")
      ? Effect.fail(new MissingPackage({ name: "fast-check" }))
      : Effect.die(error)
  )
)

/** TypeScript's habit of leaving out the extension, or of writing that of the output, is not Node's. */
const importHint = (error: unknown): string => {
  if (codeOf(error) !== "ERR_MODULE_NOT_FOUND" || !Predicate.hasProperty(error, "url")) return ""
  const url = String(error.url)
  if (!url.startsWith("file:")) return ""
  const missing = Url.fileURLToPath(url)
  const meant = [`${missing}.ts`, missing.replace(/\.js$/, ".ts")].find((path) => Fs.existsSync(path))
  return meant === undefined ? "" : ` (import it with its extension: ${Path.basename(meant)})`
}

const loadFailure = (path: string, error: unknown): ModuleFailed | TypeScriptNotRun => {
  switch (codeOf(error)) {
    case "ERR_UNKNOWN_FILE_EXTENSION":
      return new TypeScriptNotRun({
        path,
        detail: `Node ${process.version} runs TypeScript only with type stripping on`
      })
    case "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX":
    case "ERR_INVALID_TYPESCRIPT_SYNTAX":
      return new TypeScriptNotRun({
        path,
        detail: `${firstLine(error)} (Node strips types, and takes no other syntax)`
      })
    default:
      return new ModuleFailed({ path, detail: `${firstLine(error)}${importHint(error)}` })
  }
}

const flaw = (value: unknown): string | undefined => {
  if (!Predicate.isObject(value)) return "it is no object"
  if (!Predicate.hasProperty(value, "name") || typeof value.name !== "string") return "its name is no string"
  if (!Predicate.hasProperty(value, "make")) return "it has no make"
  if (typeof value.make === "function" && !Effect.isEffect(value.make)) {
    return "its make is a function; it must be the Effect itself"
  }
  return Effect.isEffect(value.make) ? undefined : "its make is no Effect"
}

const isHarness = (value: unknown): value is Properties.Harness => flaw(value) === undefined

/** What a module exports, also one of the older kind: all that such a one exports is its default, if only `{}`. */
const exportsOf = (loaded: object): Readonly<Record<string, unknown>> => {
  const { default: byDefault, "module.exports": older, ...named }: Readonly<Record<string, unknown>> = { ...loaded }
  if (older === undefined || !Predicate.isObject(older) || Effect.isEffect(older["make"])) return { ...loaded }
  return { ...older, ...named }
}

/**
 * Loads a module and answers the harness that it exports as `harness`, or else by default.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const loadHarness = Effect.fnUntraced(function* (
  path: string
): Effect.fn.Return<Properties.Harness, ModuleNotFound | ModuleFailed | TypeScriptNotRun | NoHarness | NotAHarness> {
  const file = Path.resolve(path)
  if (Fs.statSync(file, { throwIfNoEntry: false })?.isFile() !== true) return yield* new ModuleNotFound({ path })
  const loaded: object = yield* Effect.tryPromise({
    try: () => import(Url.pathToFileURL(file).href),
    catch: (error) => loadFailure(path, error)
  })
  const exports = exportsOf(loaded)
  const found = exports["harness"] ?? exports["default"]
  if (found === undefined) return yield* new NoHarness({ path, exports: Object.keys(exports) })
  if (!isHarness(found)) return yield* new NotAHarness({ path, detail: flaw(found) ?? "" })
  return found
})
