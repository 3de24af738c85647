/**
 * How operations are called on the server: as functions of a library where it keeps such, else as scripts.
 *
 * @since 0.1.0
 */
import { createHash } from "node:crypto"
import type { Library } from "./Library.ts"

/**
 * A command with its arguments.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface CommandWords {
  readonly name: string
  readonly args: Array<string>
}

interface Script {
  readonly source: string
  readonly hash: string
}

/**
 * The way in which a connection calls operations, which may change while it lasts.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Functions {
  /** Whether functions are called, or scripts. */
  areUsed = true
  readonly #library: Library
  readonly #keys: readonly [first: string, none: string]
  readonly #scripts = new Map<string, Script>()

  constructor(library: Library, keys: { readonly first: string; readonly none: string }) {
    this.#library = library
    this.#keys = [keys.first, keys.none]
  }

  /** What calls an operation that the server knows, as it is believed. */
  call(operation: string, args: ReadonlyArray<string | number>): CommandWords {
    return this.areUsed
      ? this.#words("fcall", `${this.#library.name}_${operation}`, args)
      : this.#words("evalsha", this.#script(operation).hash, args)
  }

  /** What calls an operation whose script the server does not know; it does so afterwards. */
  evaluate(operation: string, args: ReadonlyArray<string | number>): CommandWords {
    return this.#words("eval", this.#script(operation).source, args)
  }

  /** What makes the functions known to the server; an error where it has them. */
  get load(): CommandWords {
    return { name: "function", args: ["LOAD", this.#library.functions] }
  }

  /** A call may have thousands of arguments, so they are copied once. */
  #words(name: string, what: string, args: ReadonlyArray<string | number>): CommandWords {
    const words = [what, "2", ...this.#keys]
    for (const arg of args) words.push(typeof arg === "string" ? arg : String(arg))
    return { name, args: words }
  }

  #script(operation: string): Script {
    const known = this.#scripts.get(operation)
    if (known !== undefined) return known
    const source = this.#library.script(operation)
    const script = { source, hash: createHash("sha1").update(source).digest("hex") }
    this.#scripts.set(operation, script)
    return script
  }
}

/**
 * Whether somebody else was quicker to load the same functions.
 *
 * @since 0.1.0
 * @category guards
 * @stability unstable
 */
export const isLoadedAlready = (text: string): boolean => /\balready exists\b/.test(text)
